// The form in which a document is written: its indentation, its line breaks and its encoding.

import { type ChangeSpec, Compartment, type Extension, type StateEffect, type Text } from "@codemirror/state";
import { indentBy, NO_STYLE, type Styles } from "../editorconfig/style";
import { type Observable, Value } from "../lifecycle";
import { type Format, type Indent, indentOf } from "../text";
import { separatorOf, textOf } from "./bytes";
import { changesBetween, tidying } from "./changes";
import { indentation } from "./setup";

/** What the person has chosen; it counts more than what files say. */
export interface FormChoice extends Partial<Format> {
  readonly indent?: Indent;
}

/** How lines are indented, and the file that says so; null when the text itself does. */
export interface Indentation {
  readonly indent: Indent;
  readonly from: string | null;
}

export class Form {
  private readonly steps = new Compartment();
  private readonly separator = new Compartment();
  private readonly formatValue: Value<Format>;
  private readonly indentValue: Value<Indentation>;
  private readonly found: Indent;
  private style = NO_STYLE;
  private choice: FormChoice = {};

  /** Of the bytes on disk. */
  readonly format: Observable<Format>;
  readonly indentation: Observable<Indentation>;

  /** `text` has this format, and the indentation that counts where no file says another: its own, or `indent` when it has none. */
  constructor(
    private readonly styles: Styles,
    text: string,
    format: Format,
    indent?: string,
  ) {
    this.found = indentOf(text, indent);
    this.format = this.formatValue = new Value(format);
    this.indentation = this.indentValue = new Value<Indentation>({ indent: this.found, from: null });
  }

  /** For an editor of the document. */
  get extension(): Extension {
    return [this.steps.of(indentation(this.indentValue.get().indent)), this.separator.of(separatorOf(this.formatValue.get()))];
  }

  /** What is to be written. */
  get target(): Format {
    const { lineBreak, ...kept } = this.formatValue.get();
    const { indent: _, ...chosen } = this.choice;
    return { ...kept, ...this.style.charset, lineBreak: lineBreak && (this.style.lineBreak ?? lineBreak), ...chosen };
  }

  /** Adds to what the person has chosen. The result takes that back. */
  choose(choice: FormChoice): () => void {
    const before = this.choice;
    this.choice = { ...before, ...choice };
    return () => (this.choice = before);
  }

  /** Asks how the file at `path` is to be written. `reconfigure` changes its editors. Never rejects. */
  async restyle(path: string, reconfigure: (effect: StateEffect<unknown>) => void): Promise<void> {
    this.style = await this.styles.styleOf(path);
    const chosen = this.choice.indent;
    const [indent, from] = chosen ? [chosen, null] : [indentBy(this.style, this.found), this.style.indentFrom];
    const before = this.indentValue.get();
    if (before.from === from && before.indent.unit === indent.unit && before.indent.tabWidth === indent.tabWidth) return;
    this.indentValue.set({ indent, from });
    reconfigure(this.steps.reconfigure(indentation(indent)));
  }

  /** Whether the bytes on disk have this format, as far as it is said. */
  has(format: Partial<Format>): boolean {
    return fits(format, this.formatValue.get());
  }

  /** The bytes have this format now. */
  reformat(format: Format): StateEffect<unknown> {
    this.formatValue.set(format);
    return this.separator.reconfigure(separatorOf(format));
  }

  /** Another program has written the bytes in this format: what was chosen before counts no more where that is another. */
  rewritten(format: Format): StateEffect<unknown> {
    const { indent, ...chosen } = this.choice;
    if (!fits(chosen, format)) this.choice = indent ? { indent } : {};
    return this.reformat(format);
  }

  /** Brings a text into this form, by one change after the other. */
  *tidying(text: () => Text): Iterable<{ readonly changes?: ChangeSpec; readonly effects?: StateEffect<unknown> }> {
    const { trims, finalNewline } = this.style;
    const lineBreak = this.choice.lineBreak ?? this.style.lineBreak;
    const format = this.formatValue.get();
    if (format.lineBreak === null && lineBreak !== null) {
      yield { changes: changesBetween(text(), textOf(text().toString().replaceAll(/\r\n?/g, "\n"))), effects: this.reformat({ ...format, lineBreak }) };
    }
    const changes = tidying(text(), trims, finalNewline);
    if (changes.length > 0) yield { changes };
  }
}

function fits(wanted: Partial<Format>, { encoding, bom, lineBreak }: Format): boolean {
  const format = { encoding, bom, lineBreak, ...wanted };
  return format.encoding === encoding && format.bom === bom && format.lineBreak === lineBreak;
}

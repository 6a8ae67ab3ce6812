// The form in which a document is written: its indentation, its line breaks and its encoding.

import { type ChangeSpec, Compartment, type Extension, type StateEffect, type Text } from "@codemirror/state";
import { indentBy, NO_STYLE, type Styles } from "../editorconfig/style";
import { type Observable, Value } from "../lifecycle";
import { type Format, type Indent, indentOf } from "../text";
import { separatorOf, textOf } from "./bytes";
import { changesBetween, tidying } from "./changes";
import { indentation } from "./setup";

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
    return { ...kept, ...this.style.charset, lineBreak: lineBreak && (this.style.lineBreak ?? lineBreak) };
  }

  /** Asks how the file at `path` is to be written. `reconfigure` changes its editors. Never rejects. */
  async restyle(path: string, reconfigure: (effect: StateEffect<unknown>) => void): Promise<void> {
    this.style = await this.styles.styleOf(path);
    const [indent, from] = [indentBy(this.style, this.found), this.style.indentFrom];
    const before = this.indentValue.get();
    if (before.from === from && before.indent.unit === indent.unit && before.indent.tabWidth === indent.tabWidth) return;
    this.indentValue.set({ indent, from });
    reconfigure(this.steps.reconfigure(indentation(indent)));
  }

  /** The bytes have this format now. */
  reformat(format: Format): StateEffect<unknown> {
    this.formatValue.set(format);
    return this.separator.reconfigure(separatorOf(format));
  }

  /** Brings a text into this form, by one change after the other. */
  *tidying(text: () => Text): Iterable<{ readonly changes?: ChangeSpec; readonly effects?: StateEffect<unknown> }> {
    const { trims, finalNewline, lineBreak } = this.style;
    const format = this.formatValue.get();
    if (format.lineBreak === null && lineBreak !== null) {
      yield { changes: changesBetween(text(), textOf(text().toString().replaceAll(/\r\n?/g, "\n"))), effects: this.reformat({ ...format, lineBreak }) };
    }
    const changes = tidying(text(), trims, finalNewline);
    if (changes.length > 0) yield { changes };
  }
}

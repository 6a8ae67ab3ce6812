// What shows one document: a change in one surface comes to the others, and can be undone in whichever is used.

import { history, historyField } from "@codemirror/commands";
import { Annotation, Compartment, type EditorState, type Extension, Transaction, type TransactionSpec } from "@codemirror/state";
import { type Disposable, disposable } from "../lifecycle";

/** Shows the document; CodeMirror's view is one. */
export interface Surface {
  readonly state: EditorState;
  dispatch(...specs: TransactionSpec[]): void;
}

/** What the other surfaces of a document are told of: nothing of what comes from them, changes otherwise, and effects that the document itself asked for. */
const origin = Annotation.define<"surface" | "document">();

export class Surfaces {
  private readonly past = new Compartment();
  /** The one that was used last is the last. */
  private readonly list: Surface[] = [];
  /** What can be undone. */
  readonly extension: Extension = this.past.of(history());

  /** `used` takes over the state of the surface that is used from now on. */
  constructor(private readonly used: (state: EditorState) => void) {}

  /** Adds one, which is used from now on. The result takes it away. */
  show(surface: Surface): Disposable {
    this.list.push(surface);
    this.used(surface.state);
    return disposable(() => {
      const before = this.list.at(-1);
      this.list.splice(this.list.indexOf(surface), 1);
      const next = this.list.at(-1);
      if (next && before === surface) this.handOver(surface, next);
    });
  }

  use(surface: Surface): void {
    const before = this.list.at(-1);
    if (!before || before === surface) return;
    this.list.splice(this.list.indexOf(surface), 1);
    this.list.push(surface);
    this.handOver(before, surface);
  }

  isUsed(surface: Surface): boolean {
    return surface === this.list.at(-1);
  }

  /** False when there is none. */
  dispatch(spec: TransactionSpec): boolean {
    this.list.at(-1)?.dispatch(spec, { annotations: origin.of("document") });
    return this.list.length > 0;
  }

  tellOthers(surface: Surface, transaction: Transaction): void {
    const from = transaction.annotation(origin);
    if (from === "surface") return;
    const effects = from === "document" ? transaction.effects : [];
    if (!transaction.docChanged && effects.length === 0) return;
    const remembered = transaction.annotation(Transaction.addToHistory) ?? true;
    const annotations = [origin.of("surface"), Transaction.addToHistory.of(remembered)];
    // Unfiltered: what one surface made of what was typed is to be the same in all.
    for (const other of this.list) if (other !== surface) other.dispatch({ changes: transaction.changes, effects, annotations, filter: false });
  }

  /** Gives `surface` what can be undone. */
  private handOver(before: Surface, surface: Surface): void {
    const done: unknown = before.state.field(historyField, false);
    if (done) surface.dispatch({ effects: this.past.reconfigure([history(), historyField.init(() => done)]), annotations: origin.of("surface") });
    this.used(surface.state);
  }
}

// Formatting of documents by the project's own formatter: when they are saved, and when somebody asks for it.

import { type Api, ApiError, messageOf } from "./api";
import { textOf } from "./editor/bytes";
import type { TextDocument } from "./editor/document";
import { nameOf } from "./files";
import type { Ide } from "./ide";
import { DisposableStore } from "./lifecycle";
import { load } from "./loading";

// What may say that a formatter is wanted: `server/services/formatters.py` knows them one by one.
const SETTINGS = /^(package\.json|pyproject\.toml|flake\.nix|go\.mod|\.?(prettier|biome|ruff|rustfmt).*|[._]clang-format)$/;
// Longer than the server gives a formatter. A save waits no longer.
const PATIENCE_MS = 10_000;

export class Formatting extends DisposableStore {
  private readonly choices = new Map<string, Promise<string | null>>();
  private readonly told = new Set<string>();

  constructor(
    private readonly ide: Ide,
    private readonly api: Api,
    private readonly project: string,
  ) {
    super();
  }

  /** From now on what changes in the project counts. */
  start(): void {
    this.add(this.ide.events.onTree((paths) => paths.some((path) => path === "" || SETTINGS.test(nameOf(path))) && this.choices.clear()));
    // What changed during a lost connection was told to nobody.
    this.add(this.ide.events.onOpen(() => this.choices.clear()));
  }

  /** Formats what is about to be saved, where the project's files name a formatter. Never rejects: the save goes on as typed. */
  async beforeSave(document: TextDocument): Promise<void> {
    if (!this.ide.look.formatsOnSave.get() || !this.ide.store.status.get()?.container) return;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      if ((await this.choiceFor(document.path.get(), signal)) !== null) await this.format(document, signal);
    } catch (error) {
      this.explain(error, signal.aborted);
    }
  }

  /** Formats the document in front, by its language server where the project has no formatter. Throws ApiError. */
  async formatFront(): Promise<void> {
    const { documents, store, intelligence } = this.ide;
    const document = documents.active.get();
    if (document?.kind !== "text") return;
    if (document.readOnly) return store.notify(document.readOnly);
    try {
      if (await this.format(document, AbortSignal.timeout(PATIENCE_MS))) store.announce("Formatted.");
      else store.notify("The text was changed while it was formatted, so it was left as it is.");
    } catch (error) {
      // There is none, or the project does not run.
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
      if (!(await intelligence.format(document))) store.notify(`Not formatted: ${messageOf(error)}.`);
    }
  }

  private choiceFor(path: string, signal: AbortSignal): Promise<string | null> {
    const choice = this.choices.get(path) ?? this.api.formatterOf(this.project, path, signal);
    this.choices.set(path, choice);
    choice.catch(() => this.choices.delete(path));
    return choice;
  }

  /** False when the text was changed meanwhile, and was left alone. */
  private async format(document: TextDocument, signal: AbortSignal): Promise<boolean> {
    const before = document.state.doc;
    const asked = this.api.format(this.project, document.path.get(), before.toString(), signal);
    const [{ differences }, text] = await Promise.all([load(() => import("./editor/difference")), asked]);
    if (!document.state.doc.eq(before)) return false;
    const broken = document.form.format.get().lineBreak === null ? text : text.replaceAll(/\r\n?/g, "\n");
    const changes = differences(before, textOf(broken.replace(/^\uFEFF/, "")));
    if (changes.length > 0) document.dispatch({ changes, userEvent: "format" });
    return true;
  }

  private explain(error: unknown, late: boolean): void {
    if (!(error instanceof ApiError)) return this.ide.report(error);
    if (late) return this.ide.store.notify("Saved as typed: the formatter did not answer in time.");
    // The save says so itself, or the project has just stopped.
    if (error.status === 0 || error.status === 409) return;
    const sentence = `Saved as typed: ${messageOf(error)}.`;
    // What is not installed or too large is so at every save.
    if ((error.status === 404 || error.status === 413) && this.told.has(sentence)) return;
    this.told.add(sentence);
    this.ide.store.notify(sentence);
  }
}

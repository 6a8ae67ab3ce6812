// Unsaved text that comes back into its document: this page's own, or what pages that are gone left of the file.

import type { FileContent } from "./api";
import type { Draft, Drafts } from "./drafts";
import type { TextDocument } from "./editor/document";

export class Recovery {
  private readonly dismissed = new Set<string>();

  constructor(private readonly drafts: Drafts) {}

  /** The files of which there is something. Never rejects: a journal that can't be read keeps no file shut. */
  async paths(): Promise<readonly string[]> {
    const drafts = await this.drafts.list().catch(() => []);
    return [...new Set(drafts.map(({ path }) => path))];
  }

  /**
   * Brings back this page's unsaved text of the file that was just opened, or else the newest that was left; of the rest the
   * document tells. Resolves to whether there was any. Never rejects.
   */
  async bringBack(document: TextDocument, disk: FileContent): Promise<boolean> {
    let back: Draft | null = null;
    const left: Draft[] = [];
    try {
      for (const draft of document.readOnly ? [] : await this.drafts.list(document.path.get())) {
        // The answer to a save may have been lost with its page.
        if (document.isSaved(draft.text) || draft.text === back?.text) await this.drafts.drop(draft);
        else if (back) left.push(draft);
        else if (await this.drafts.adopt(draft)) document.restore((back = draft), disk);
      }
    } catch {
      // What is kept stays kept.
    }
    this.tell(document, left);
    return back !== null;
  }

  /** Has the document tell what pages that are gone left by now. Rejects when the journal can't be read. */
  async look(document: TextDocument): Promise<void> {
    if (!document.readOnly) this.tell(document, await this.drafts.left(document.path.get()));
  }

  /** Forgets one of them: the person has seen it. Rejects when the journal fails. */
  async drop(document: TextDocument, draft: Draft): Promise<void> {
    await this.drafts.drop(draft);
    document.left.set(document.left.get().filter((other) => identityOf(other) !== identityOf(draft)));
  }

  /** Has the document be silent about them until the page is loaded again. */
  dismiss(document: TextDocument): void {
    for (const draft of document.left.get()) this.dismissed.add(identityOf(draft));
    document.left.set([]);
  }

  private tell(document: TextDocument, left: readonly Draft[]): void {
    const text = document.state.doc.toString();
    const news = left.filter((draft) => draft.text !== text && !this.dismissed.has(identityOf(draft)));
    // What was said is not said anew: its buttons would be others under the pointer.
    if (String(news.map(identityOf)) !== String(document.left.get().map(identityOf))) document.left.set(news);
  }
}

function identityOf({ page, path, at }: Draft): string {
  return JSON.stringify([page, path, at]);
}

// What the tree's menu and keys do to files, with the questions that go before.

import type { Api } from "./api";
import type { Documents } from "./documents";
import { h } from "./dom";
import { type FileTree, join, nameOf, parentOf } from "./files";
import { filesOf, type Upload, uploadNew, uploadOver } from "./upload";
import { confirm } from "./widgets/dialog";

export class FileActions {
  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly files: FileTree,
    private readonly documents: Documents,
    private readonly notify: (sentence: string) => void,
  ) {}

  async createFolder(path: string): Promise<void> {
    await this.files.createFolder(path);
    await this.files.expand(path);
  }

  async remove(path: string): Promise<void> {
    const folder = this.files.rows.some((row) => row.path === path && row.folder);
    const body = folder ? "The folder and all it holds will be gone." : "The file will be gone.";
    if (await confirm(`Delete ${nameOf(path)}?`, `${body} This can't be undone.`, "Delete")) await this.files.remove(path);
  }

  /** A copy beside it, under the first free name. */
  async duplicate(path: string): Promise<void> {
    const name = nameOf(path);
    const dot = name.lastIndexOf(".");
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    const taken = new Set(this.files.rows.map((row) => row.path));
    let number = 1;
    const candidate = (): string => join(parentOf(path), `${stem} copy${number > 1 ? ` ${number}` : ""}${ending}`);
    while (taken.has(candidate())) number += 1;
    await this.files.copy(path, candidate());
  }

  download(path: string): void {
    const link = h("a", { href: path ? this.api.fileUrl(this.project, path) : this.api.archiveUrl(this.project), download: nameOf(path) });
    link.click();
  }

  async upload(folder: string, items: DataTransfer): Promise<void> {
    await this.take(await filesOf(items, folder));
  }

  /** Lets the person choose files; for those who can't drag. */
  choose(folder: string, report: (error: unknown) => void): void {
    const input = h("input", { type: "file", multiple: true, hidden: true });
    document.body.append(input);
    input.addEventListener("cancel", () => input.remove());
    input.addEventListener("change", () => {
      input.remove();
      const uploads = [...(input.files ?? [])].map((file) => ({ path: join(folder, file.name), file }));
      this.take(uploads).catch(report);
    });
    input.click();
  }

  private async take(uploads: readonly Upload[]): Promise<void> {
    if (uploads.length === 0) return;
    if (uploads.length > 1) this.notify(`Uploading ${uploads.length} files…`);
    try {
      const existing = await uploadNew(this.api, this.project, uploads);
      const names = existing.map((upload) => upload.path).join(", ");
      const title = existing.length === 1 ? `Replace ${names}?` : `Replace ${existing.length} files?`;
      const replace = existing.length > 0 && (await confirm(title, `Already there: ${names}. The uploaded files would take their place.`, "Replace"));
      if (replace) await uploadOver(this.api, this.project, existing);
      const count = uploads.length - (replace ? 0 : existing.length);
      this.notify(count === 1 ? `Uploaded ${nameOf(uploads[0]?.path ?? "")}.` : `Uploaded ${count} files.`);
    } finally {
      await this.files.refresh([""]);
      await this.documents.check(uploads.map((upload) => upload.path));
    }
  }
}

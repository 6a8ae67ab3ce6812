// What the tree asks the page to do.

export interface TreeActions {
  /** `focus` when the person wants to type there now, not only to look. */
  open(path: string, focus: boolean): void;
  /** The cursor rests on a file. */
  look(path: string): void;
  createFile(path: string): void;
  createFolder(path: string): void;
  rename(from: string, to: string): void;
  remove(paths: readonly string[]): void;
  /** Takes back the last change of files. */
  undo(): void;
  /** Puts them into `folder`. */
  place(paths: readonly string[], folder: string, how: "move" | "copy"): void;
  /** Keeps them for `paste`. */
  keep(paths: readonly string[], how: "move" | "copy"): void;
  paste(folder: string): void;
  upload(folder: string, items: DataTransfer): void;
  /** Opens the menu of these entries, or of the project's folder for none. */
  menu(paths: readonly string[], place: { readonly x: number; readonly y: number }): void;
  readonly report: (error: unknown) => void;
}

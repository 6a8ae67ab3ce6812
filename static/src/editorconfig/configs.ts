// The .editorconfig files of a project.

import type { Api } from "../api";
import { type FileTree, parentOf } from "../files";
import { FolderFiles } from "../folderfiles";
import { type EditorConfig, parseEditorConfig, propertiesOf } from "./parse";
import { EDITOR_CONFIG, type Style, styleOf, type Styles } from "./style";

export class EditorConfigs extends FolderFiles<EditorConfig> implements Styles {
  constructor(api: Api, project: string, files: FileTree) {
    super(api, project, files, EDITOR_CONFIG, parseEditorConfig);
  }

  async styleOf(path: string): Promise<Style> {
    const folders: string[] = [];
    for (let folder = parentOf(path); folder; folder = parentOf(folder)) folders.unshift(folder);
    const found = await Promise.all(["", ...folders].map(async (folder) => ({ folder, config: await this.find(folder) })));
    return styleOf(propertiesOf(path, found.flatMap(({ folder, config }) => (config ? [{ folder, config }] : []))));
  }
}

// The page's configuration, which the server writes into it as JSON.

import type { Remembered } from "./storage";
import { isObject, type Project } from "./wire";

export interface Config {
  /** The project of an IDE page; null on the projects page. */
  readonly project: Project | null;
  /** The terminal that the page shows; null on pages that are not about one. */
  readonly terminal: string | null;
  /** Where the project's files are, as its programs see it; "" on pages without a project. */
  readonly folder: string;
  readonly runtime: string;
  readonly previewDomain: string;
  /** What pages have remembered on the server. */
  readonly remembered: Remembered;
  /** Lets style elements through the page's content security policy. */
  readonly nonce: string;
}

/** Configuration of a page that shows one project. */
export interface ProjectConfig extends Config {
  readonly project: Project;
}

/** Reads the configuration out of the page. Throws when the page has none, which is a fault of the server's template. */
export function readConfig(page: Document): Config {
  const text = page.getElementById("hutch-config")?.textContent;
  const value: unknown = text ? JSON.parse(text) : null;
  if (!isObject(value)) throw new Error("expected the page's configuration in #hutch-config, found none");
  return {
    project: isObject(value["project"]) ? (value["project"] as unknown as Project) : null,
    terminal: typeof value["terminal"] === "string" ? value["terminal"] : null,
    folder: typeof value["folder"] === "string" ? value["folder"] : "",
    runtime: typeof value["runtime"] === "string" ? value["runtime"] : "",
    previewDomain: typeof value["previewDomain"] === "string" ? value["previewDomain"] : "",
    remembered: { everywhere: fieldsOf(value["remembered"], "everywhere"), project: fieldsOf(value["remembered"], "project") },
    nonce: typeof value["nonce"] === "string" ? value["nonce"] : "",
  };
}

function fieldsOf(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const fields = isObject(value) ? value[key] : null;
  return isObject(fields) ? fields : {};
}

// Where every page starts.

import { Api, ApiError } from "./api";
import { keepClicks } from "./clicks";
import { readConfig } from "./config";
import { allowStyles } from "./csp";
import { load } from "./loading";
import { rememberOnServer } from "./storage";
import { ThemeChoice } from "./theme";

const config = readConfig(document);
allowStyles(document, config.nonce);
const api = new Api();
rememberOnServer(config.project?.id ?? null, config.remembered, (project, changes, leaving) =>
  api.rememberState(project, changes, leaving).catch((error: unknown) => {
    // What the server refuses it will refuse again; this browser has it.
    if (!(error instanceof ApiError && error.status >= 400 && error.status < 500)) throw error;
  }),
);
const theme = new ThemeChoice(document.documentElement);
keepClicks(document);
const app = document.getElementById("app");
if (!app) throw new Error("expected an element #app in the page, found none");

const { project, terminal } = config;
if (project && terminal) {
  const { startOnlooker } = await load(() => import("./onlooker"));
  await startOnlooker(app, { ...config, project }, terminal, theme);
} else if (document.body.dataset["page"] === "ide" && project) {
  const { startIde } = await load(() => import("./ide"));
  await startIde(app, { ...config, project }, theme);
} else {
  const { startProjects } = await load(() => import("./projects"));
  await startProjects(app, theme);
}

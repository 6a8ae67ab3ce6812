// Language intelligence as the page knows it before it is loaded: switched on or off, what the server of the document in front
// does, and the way to what can be asked. The rest comes when a file in a language with a server is first in front.

import type { Api } from "../api";
import type { TextDocument } from "../editor/document";
import { nameOf } from "../files";
import type { Ide } from "../ide";
import { type Disposable, DisposableStore, MutableDisposable, type Observable, Value, watch } from "../lifecycle";
import { load } from "../loading";
import { recall, remember } from "../storage";
import type { LanguageActions } from "./actions";
import type { CodeActions } from "./codeactions";
import type { Navigation } from "./navigation";
import type { Problem } from "./problems";
import type { References } from "./references";
import { servedOf, type ServerLanguage } from "./served";
import type { Known, LanguageServers, Running } from "./servers";
import type { Counts, FrontServer } from "./state";

/** What is there once it is loaded. */
export interface Loaded {
  readonly servers: LanguageServers;
  readonly actions: LanguageActions;
  readonly codeActions: CodeActions;
  readonly navigation: Navigation;
}

const NONE: Counts = { errors: 0, warnings: 0 };

export class Intelligence implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly parts = this.disposables.add(new MutableDisposable<Disposable>());
  private readonly frontValue = new Value<FrontServer | null>(null);
  private readonly countsValue = new Value<Counts>(NONE);
  private readonly problemsValue = new Value<readonly Problem[]>([]);
  private readonly chosen = new Value<boolean>(recall("languages.on", isBoolean) ?? true);
  private loading: Promise<Loaded> | null = null;
  private loaded: Loaded | null = null;

  readonly front: Observable<FrontServer | null> = this.frontValue;
  readonly counts: Observable<Counts> = this.countsValue;
  readonly problems: Observable<readonly Problem[]> = this.problemsValue;
  /** Those that were found last, until they are closed. */
  readonly references = new Value<References | null>(null);
  /** The person's choice. */
  readonly on: Observable<boolean> = this.chosen;

  constructor(
    private readonly ide: Ide,
    private readonly api: Api,
    private readonly project: string,
  ) {}

  /** From now on servers start as they are needed. */
  start(): void {
    const { ide, disposables } = this;
    disposables.add(watch(ide.documents.active, () => this.use()));
    disposables.add(ide.editor.position.onChange(() => this.use()));
    let running = this.isRunning;
    disposables.add(
      ide.store.status.onChange(() => {
        if (running === (running = this.isRunning) || !running) return;
        this.loaded?.servers.restartFailed();
        this.use();
      }),
    );
  }

  toggle(): void {
    this.chosen.set(!this.chosen.get());
    remember("languages.on", this.chosen.get());
    if (this.chosen.get()) this.use();
    else this.unload();
  }

  /** Whether there may be a server for the document in front. */
  get applies(): boolean {
    const document = this.ide.documents.active.get();
    return this.chosen.get() && document?.kind === "text" && document.readOnly === null && servedOf(nameOf(document.path.get())) !== null;
  }

  /** The problems with the places where they are by now. */
  get problemsNow(): readonly Problem[] {
    return this.loaded?.navigation.problems ?? [];
  }

  /** Null unless the document's server runs and knows it. */
  known(document: TextDocument): Known | null {
    return this.loaded?.servers.known(document) ?? null;
  }

  /** The servers that run. */
  get running(): readonly Running[] {
    return this.loaded?.servers.running ?? [];
  }

  /** Runs what needs a server, which is loaded first. Rejects as the task does. */
  async run(task: (loaded: Loaded) => unknown): Promise<void> {
    await task(await this.load());
  }

  /** Has the document's server format it; false where there is none that does. Rejects with the server's refusal. */
  async format(document: TextDocument): Promise<boolean> {
    return (await this.loaded?.actions.format(document)) ?? false;
  }

  /** Starts the server anew, and the project before it where that does not run. */
  async restart(language: ServerLanguage): Promise<void> {
    const { servers } = await this.load();
    if (this.isRunning) servers.restart(language);
    // Its start brings back the servers.
    else this.ide.store.setStatus(await this.api.start(this.project));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get isRunning(): boolean {
    return this.ide.store.status.get()?.container ?? false;
  }

  private use(): void {
    if (this.loaded) this.loaded.servers.use();
    else if (this.applies) this.load().catch(this.ide.report);
  }

  private unload(): void {
    this.parts.value = undefined;
    this.loading = null;
    this.loaded = null;
    this.frontValue.set(null);
    this.countsValue.set(NONE);
    this.problemsValue.set([]);
  }

  private load(): Promise<Loaded> {
    this.loading ??= this.make().catch((error: unknown) => {
      this.loading = null;
      throw error;
    });
    return this.loading;
  }

  private async make(): Promise<Loaded> {
    const { LanguageServers, LanguageActions, CodeActions, Navigation, countsOf } = await load(() => import("./loaded"));
    const { ide, api, project } = this;
    const store = new DisposableStore();
    const servers = store.add(
      new LanguageServers({
        documents: ide.documents,
        url: (language) => api.languageUrl(project, language),
        isRunning: () => this.isRunning,
        notify: (sentence) => ide.store.notify(sentence),
        describe: (view, mark) => codeActions.describe(view, mark),
      }),
    );
    const actions = new LanguageActions(ide, api, project, servers);
    const codeActions = new CodeActions(ide, actions);
    const loaded = { servers, actions, codeActions, navigation: new Navigation(ide, api, project, actions) };
    store.add(servers.front.onChange((front) => this.frontValue.set(front)));
    store.add(
      servers.problems.list.onChange((problems) => {
        this.countsValue.set(countsOf(problems));
        this.problemsValue.set(problems);
      }),
    );
    this.parts.value = store;
    this.loaded = loaded;
    // It may have been switched off meanwhile.
    if (this.chosen.get()) servers.use();
    else this.unload();
    return loaded;
  }
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

// Who a person is to Git: name and address for commits, accounts for hosts, and the key for those that are reached by SSH.

import { messageOf } from "./api";
import { h, replace } from "./dom";
import type { GitAccounts, GitPerson } from "./gitperson";
import { copyText } from "./terminal/clipboard";
import { button } from "./widgets/button";
import { ask, confirm } from "./widgets/dialog";

interface Field {
  readonly label: string;
  readonly value?: string | null;
  readonly secret?: boolean;
  /** More than one makes it a field for so many lines of code. */
  readonly rows?: number;
}

/** Asks for some lines of text; true once `save` has taken them, false when the person gave up. */
function form(title: string, hint: string, fields: readonly Field[], save: (values: readonly string[]) => Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const inputs = fields.map(({ value, secret, rows }) => {
      const props = { class: "input", autocomplete: "off", spellcheck: "false" };
      return rows ? h("textarea", { ...props, class: "input key-text", rows }) : h("input", { ...props, type: secret ? "password" : "text", value: value ?? "" });
    });
    const problem = h("p", { class: "problem", role: "alert" });
    const labels = fields.map(({ label }, index) => h("label", { class: "search-field" }, label, inputs[index]));
    const actions = h("div", { class: "dialog-actions" }, button("Cancel", () => dialog.close()), h("button", { type: "submit", class: "button primary" }, "Save"));
    const content = h("form", {}, h("h2", {}, title), h("p", {}, hint), ...labels, problem, actions);
    const dialog = h("dialog", { class: "dialog", "aria-label": title }, content);
    let saved = false;
    content.addEventListener("submit", (event) => {
      event.preventDefault();
      save(inputs.map((input) => input.value.trim())).then(
        () => {
          saved = true;
          dialog.close();
        },
        (error: unknown) => (problem.textContent = messageOf(error)),
      );
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(saved);
    });
    document.body.append(dialog);
    dialog.showModal();
    inputs.find((input) => !input.value)?.focus();
  });
}

export async function askIdentity(person: GitPerson): Promise<boolean> {
  const { name, email } = await person.accounts();
  const fields = [{ label: "Name", value: name }, { label: "E-mail address", value: email }];
  return form("Who are you?", "Both stand in every commit that you make here.", fields, ([given = "", address = ""]) => person.setIdentity(given, address));
}

export async function askAccount(person: GitPerson, host: string): Promise<boolean> {
  const known = (await person.accounts()).accounts.find((account) => account.host === host);
  const fields = [{ label: "Host", value: host }, { label: "User name", value: known?.user ?? "" }, { label: "Token or password", secret: true }];
  const hint = "Kept by the server, outside of every project, and handed to Git when this host asks. Use a token that can be revoked.";
  return form("Account for a Git host", hint, fields, ([place = "", user = "", secret = ""]) => person.keepAccount(place, user, secret));
}

async function askPrivateKey(person: GitPerson): Promise<boolean> {
  const hint = "A private key of OpenSSH without a passphrase: the content of a file such as ~/.ssh/id_ed25519. It is kept by the server and never shown again.";
  return form("Use a key of yours", hint, [{ label: "Private key", rows: 8 }], ([text = ""]) => person.keepSshKey(text));
}

async function replaceKey(person: GitPerson): Promise<void> {
  const answer = await ask<"make" | "own" | null>({
    title: "Replace the SSH key?",
    body: h("p", {}, "Git hosts take the new one once its public key is added there. The old private key is gone for good."),
    choices: [{ label: "Cancel", value: null, kind: "primary" }, { label: "Use one of mine…", value: "own" }, { label: "Make a new one", value: "make", kind: "danger" }],
    otherwise: null,
  });
  if (answer === "own") await askPrivateKey(person);
  else if (answer) await person.keepSshKey(null);
}

async function deleteKey(person: GitPerson): Promise<void> {
  const sure = await confirm("Delete the SSH key?", "Git hosts that are reached by SSH take no more pulls and pushes from here. The key can’t be brought back.", "Delete");
  if (sure) await person.forgetSshKey();
}

/** A part of the list; what changes something goes through `attempt`. */
type Attempt = (task: () => Promise<unknown>) => () => void;

function section(title: string, ...content: Parameters<typeof h>[2][]): HTMLElement {
  return h("section", {}, h("h3", {}, title), ...content);
}

function keySection(person: GitPerson, { sshKey, lendsSshKey }: GitAccounts, attempt: Attempt): HTMLElement {
  if (!lendsSshKey) return section("SSH key", h("p", {}, "Projects run on this machine itself, so Git uses your own ssh, with its keys and its agent."));
  if (!sshKey) {
    const make = button("Make a key", attempt(() => person.keepSshKey(null)));
    const own = button("Use one of mine…", attempt(() => askPrivateKey(person)));
    return section("SSH key", h("p", {}, "For addresses such as git@github.com:me/project.git. The private key stays on the server, which lends it to one call of Git at a time."), h("div", { class: "row" }, make, own));
  }
  const text = h("textarea", { class: "input key-text", rows: 3, readonly: true, "aria-label": "Public key" });
  text.value = sshKey.publicKey;
  const copied = h("span", { role: "status" });
  const copy = button("Copy", () => {
    void copyText(sshKey.publicKey).then((done) => {
      if (!done) text.select();
      copied.textContent = done ? "Copied." : "Now press the keys that copy.";
    });
  });
  const actions = h("div", { class: "row" }, copy, button("Replace…", attempt(() => replaceKey(person))), button("Delete…", attempt(() => deleteKey(person))), copied);
  return section("SSH key", h("p", {}, "Add this public key to your account at the Git host."), text, h("p", { class: "key-print" }, sshKey.fingerprint), actions);
}

function hostsSection(person: GitPerson, { knownHosts }: GitAccounts, attempt: Attempt): HTMLElement | null {
  if (knownHosts.length === 0) return null;
  const rows = knownHosts.map(({ host, fingerprints }) => {
    const forget = button("Forget", attempt(() => person.forgetHost(host)));
    forget.setAttribute("aria-label", `Forget ${host}`);
    return h("li", { class: "git-account" }, h("div", {}, host, ...fingerprints.map((print) => h("div", { class: "key-print" }, print))), forget);
  });
  return section("Known SSH hosts", h("ul", {}, ...rows));
}

/** The list of what is kept, to change and to remove. */
export async function showAccounts(person: GitPerson): Promise<void> {
  const body = h("div", { class: "dialog-body git-accounts" });
  const problem = h("p", { class: "problem", role: "alert" });
  const attempt: Attempt = (task) => () => {
    const place = Array.from(body.children).findIndex((part) => part.contains(document.activeElement));
    problem.textContent = "";
    task()
      .then(load)
      // What had the keyboard may be gone; its neighbour has it then.
      .then(() => body.contains(document.activeElement) || (body.children[place] ?? body).querySelector("button")?.focus())
      .catch((error: unknown) => (problem.textContent = messageOf(error)));
  };
  const render = (kept: GitAccounts): void => {
    const { name, email, accounts } = kept;
    const rows = accounts.map(({ host, user }) => {
      const remove = button("Remove", attempt(() => person.forgetAccount(host)));
      remove.setAttribute("aria-label", `Remove ${user} at ${host}`);
      return h("li", { class: "git-account" }, h("span", {}, `${user} at ${host}`), remove);
    });
    replace(
      body,
      section(
        "Commits",
        h("p", {}, name ? `They are by ${name} <${email}>.` : "They are by whom Git’s own settings name."),
        button("Change name and address…", attempt(() => askIdentity(person))),
      ),
      section("Accounts", rows.length > 0 ? h("ul", {}, ...rows) : h("p", {}, "None is kept. They are for addresses that begin with https://."), button("Add an account…", attempt(() => askAccount(person, "")))),
      keySection(person, kept, attempt),
      hostsSection(person, kept, attempt),
    );
  };
  const load = async (): Promise<void> => render(await person.accounts());
  await load();
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "accounts-title" }, h("h2", { id: "accounts-title" }, "Git accounts"), body, problem, h("div", { class: "dialog-actions" }, button("Close", () => dialog.close(), "primary")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

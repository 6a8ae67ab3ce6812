// Who a person is to Git: name and address for commits, and accounts for hosts.

import { messageOf } from "./api";
import { h, replace } from "./dom";
import type { Git, GitAccounts } from "./git";
import { button } from "./widgets/button";

interface Field {
  readonly label: string;
  readonly value?: string | null;
  readonly secret?: boolean;
}

/** Asks for some lines of text; true once `save` has taken them, false when the person gave up. */
function form(title: string, hint: string, fields: readonly Field[], save: (values: readonly string[]) => Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const inputs = fields.map(({ value, secret }) => h("input", { class: "input", type: secret ? "password" : "text", value: value ?? "", autocomplete: "off", spellcheck: "false" }));
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

export async function askIdentity(git: Git): Promise<boolean> {
  const { name, email } = await git.accounts();
  const fields = [{ label: "Name", value: name }, { label: "E-mail address", value: email }];
  return form("Who are you?", "Both stand in every commit that you make here.", fields, ([given = "", address = ""]) => git.setIdentity(given, address));
}

export async function askAccount(git: Git, host: string): Promise<boolean> {
  const known = (await git.accounts()).accounts.find((account) => account.host === host);
  const fields = [{ label: "Host", value: host }, { label: "User name", value: known?.user ?? "" }, { label: "Token or password", secret: true }];
  const hint = "Kept by the server, outside of every project, and handed to Git when this host asks. Use a token that can be revoked.";
  return form("Account for a Git host", hint, fields, ([place = "", user = "", secret = ""]) => git.keepAccount(place, user, secret));
}

/** The list of what is kept, to change and to remove. */
export async function showAccounts(git: Git, report: (error: unknown) => void): Promise<void> {
  const body = h("div", { class: "dialog-body" });
  const attempt = (task: () => Promise<unknown>) => (): void => void task().then(load).catch(report);
  const render = ({ name, email, accounts }: GitAccounts): void => {
    const rows = accounts.map(({ host, user }) => h("li", { class: "git-account" }, h("span", {}, `${user} at ${host}`), button("Remove", attempt(() => git.forgetAccount(host)))));
    replace(
      body,
      h("p", {}, name ? `Commits are by ${name} <${email}>.` : "Commits are by whom Git’s own settings name."),
      button("Change name and address", attempt(() => askIdentity(git))),
      h("h3", {}, "Accounts"),
      rows.length > 0 ? h("ul", {}, ...rows) : h("p", {}, "None is kept."),
      button("Add an account", attempt(() => askAccount(git, ""))),
    );
  };
  const load = async (): Promise<void> => render(await git.accounts());
  await load();
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "accounts-title" }, h("h2", { id: "accounts-title" }, "Git"), body, h("div", { class: "dialog-actions" }, button("Close", () => dialog.close(), "primary")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

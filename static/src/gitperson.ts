// Who a person is to Git, in all projects: what the server keeps of it, and how it is changed.

import type { Api } from "./api";

export interface GitAccounts {
  readonly name: string | null;
  readonly email: string | null;
  readonly accounts: readonly { readonly host: string; readonly user: string }[];
  readonly sshKey: { readonly publicKey: string; readonly fingerprint: string } | null;
  /** Whether there is a key to be lent: on a machine without containers Git uses the person's own ssh. */
  readonly lendsSshKey: boolean;
  readonly knownHosts: readonly { readonly host: string; readonly fingerprints: readonly string[] }[];
}

export class GitPerson {
  constructor(private readonly api: Api) {}

  accounts(): Promise<GitAccounts> {
    return this.api.json("GET", "/api/git");
  }

  setIdentity(name: string, email: string): Promise<GitAccounts> {
    return this.api.json("PUT", "/api/git/identity", { name, email });
  }

  keepAccount(host: string, user: string, secret: string): Promise<GitAccounts> {
    return this.api.json("POST", "/api/git/accounts", { host, user, secret });
  }

  forgetAccount(host: string): Promise<void> {
    return this.api.remove(`/api/git/accounts/${encodeURIComponent(host)}`);
  }

  /** Keeps a key of the person's, or a new one for null, in place of the one before. */
  keepSshKey(privateKey: string | null): Promise<GitAccounts> {
    return this.api.json("PUT", "/api/git/ssh-key", { privateKey });
  }

  forgetSshKey(): Promise<void> {
    return this.api.remove("/api/git/ssh-key");
  }

  forgetHost(host: string): Promise<void> {
    return this.api.remove(`/api/git/known-hosts/${encodeURIComponent(host)}`);
  }
}

// How a language's server is, for those who show it.

import type { ServerLanguage } from "./served";

export type ServerState =
  | { readonly kind: "starting" }
  /** `command` is the server's program. */
  | { readonly kind: "running"; readonly command: string }
  /** It comes back by itself where it is `retrying`, or else when it is used or asked for. */
  | { readonly kind: "stopped"; readonly reason: string; readonly advice: string | null; readonly retrying: boolean }
  /** It can't run as things are; `advice` says what would mend that. */
  | { readonly kind: "unavailable"; readonly reason: string; readonly advice: string };

/** The server of the document in front. */
export interface FrontServer {
  readonly language: ServerLanguage;
  readonly state: ServerState;
}

/** How many problems the servers have found in all files they know. */
export interface Counts {
  readonly errors: number;
  readonly warnings: number;
}

/** The program's name without its folder and arguments. */
export function programOf(command: string): string {
  const [program = ""] = command.split(" ");
  return program.slice(program.lastIndexOf("/") + 1);
}

/** A sentence about the server. */
export function summaryOf(state: ServerState): string {
  switch (state.kind) {
    case "starting":
      return "It is starting.";
    case "running":
      return `${programOf(state.command)} runs.`;
    case "stopped":
      return `It has stopped. ${sentence(state.reason)}${state.retrying ? " It starts again by itself." : ""}`;
    case "unavailable":
      return `It is not available. ${sentence(state.reason)}`;
  }
}

/** Servers write their reasons as parts of a sentence. */
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

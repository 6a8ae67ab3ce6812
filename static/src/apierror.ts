// What a call of the server ends in when it does not succeed.

import { isObject } from "./wire";

/** A refusal by the server, from its problem document; status 0 when the server could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** The input that was refused, where the server names one: `dependencies.express`, `name`. */
    readonly field: string | null = null,
    /** What is missing, where the server names it: `account`, `identity`. */
    readonly reason: string | null = null,
    readonly host: string | null = null,
  ) {
    super(detail || title);
    this.name = "ApiError";
  }
}

// A proxy says so too, of a server that it can't reach or that does not answer in time.
const UNREACHABLE: readonly number[] = [0, 502, 503, 504];

/** Whether trying again may help: nobody answered. */
export function isUnreachable(error: unknown): error is ApiError {
  return error instanceof ApiError && UNREACHABLE.includes(error.status);
}

/** The sentence to show for whatever a call threw. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The body of an answer. What breaks off on its way is a connection that is lost, too. */
export async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch (error) {
    throw error instanceof TypeError ? noConnection() : error;
  }
}

export function noConnection(): ApiError {
  return new ApiError(0, "No connection", "The server can't be reached. What you typed is kept; try again in a moment.");
}

/** What an answer that refuses says. */
export async function problemOf(response: Response): Promise<ApiError> {
  const fallback = `The server answered ${response.status} ${response.statusText}`.trim();
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return new ApiError(response.status, fallback, "");
  const problem: unknown = await response.json().catch(() => null);
  if (!isObject(problem)) return new ApiError(response.status, fallback, "");
  const text = (key: string): string | null => (typeof problem[key] === "string" ? problem[key] : null);
  return new ApiError(response.status, text("title") ?? fallback, text("detail") ?? "", text("field"), text("reason"), text("host"));
}

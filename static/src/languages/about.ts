// The question about the server of the document in front.

import { h } from "../dom";
import type { Ide } from "../ide";
import { ask } from "../widgets/dialog";
import { titleOf } from "./served";
import { summaryOf } from "./state";

/** Says how the server of the document in front is, and starts it anew when asked to. */
export async function aboutServer({ intelligence }: Ide): Promise<void> {
  const front = intelligence.front.get();
  if (!front) return;
  const { state, language } = front;
  const advice = state.kind === "stopped" || state.kind === "unavailable" ? state.advice : null;
  const restart = await ask({
    title: `Language server for ${titleOf(language)}`,
    body: [h("p", {}, summaryOf(state)), advice && h("p", {}, advice)],
    choices: [
      { label: "Close", value: false },
      { label: state.kind === "running" ? "Restart it" : "Start it", value: true, kind: "primary" },
    ],
    otherwise: false,
  });
  if (restart) await intelligence.restart(language);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMarkdown } from "../src/rendered/markdown";

const flat = (text: string): string => renderMarkdown(text).replaceAll(/ data-at="\d+"/g, "").replaceAll(/\n+/g, "\n").trim();

test("what people write in Markdown becomes what they mean", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["# One & *two*", '<h1 id="one--two">One &amp; <em>two</em></h1>'],
    ["Title\n=====", '<h1 id="title">Title</h1>'],
    ["a **b** ~~c~~ `d < e` \\*f\\*", "<p>a <strong>b</strong> <del>c</del> <code>d &lt; e</code> *f*</p>"],
    ["- a\n- b\n  1. c", "<ul><li>a</li><li>b\n<ol start=\"1\"><li>c</li></ol></li></ul>"],
    ["- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"],
    ["3. x\n4. y", '<ol start="3"><li>x</li><li>y</li></ol>'],
    ["- [x] done\n- [ ] open", '<ul><li><p><input type="checkbox" disabled checked> done</p></li><li><p><input type="checkbox" disabled> open</p></li></ul>'],
    ["> quoted\n> lines\n>\n> ```\n> code\n>   more\n> ```", "<blockquote><p>quoted\n lines</p>\n<pre><code>code\n  more</code></pre></blockquote>"],
    ["```js\nif (a < b) {}\n```", "<pre><code>if (a &lt; b) {}</code></pre>"],
    ["    indented\n    code", "<pre><code>indented\ncode</code></pre>"],
    ["|a|b|c|\n|--|:-:|--:|\n|1||*3*|\n|x", '<table><thead><tr><th>a</th><th align="center">b</th><th align="right">c</th></tr></thead><tbody><tr><td>1</td><td align="center"></td><td align="right"><em>3</em></td></tr><tr><td>x</td><td align="center"></td><td align="right"></td></tr></tbody></table>'],
    ["[a](b.md \"t\") [c][d] [e] [f]\n\n[d]: <x y>\n[e]: e.md 'E'", '<p><a href="b.md" title="t">a</a> <a href="x y">c</a> <a href="e.md" title="E">e</a> [f]</p>'],
    ["![a *b*](p.png)", '<p><img src="p.png" alt="a b"></p>'],
    ["see https://x.test/a_b and <me@x.test>", '<p>see <a href="https://x.test/a_b">https://x.test/a_b</a> and <a href="mailto:me@x.test">me@x.test</a></p>'],
    ["a  \nb &copy; <b>c</b><!-- d -->", "<p>a<br>\nb &copy; <b>c</b></p>"],
    ["<details>\n<summary>s</summary>\n\n*in*\n\n</details>", "<details>\n<summary>s</summary>\n<p><em>in</em></p>\n</details>"],
    ["***\n", "<hr>"],
  ];
  for (const [text, html] of cases) assert.equal(flat(text), html.replaceAll(/\n+/g, "\n"), text);
});

test("blocks say where they stand in the text", () => {
  assert.equal(renderMarkdown("a\n\nb"), '<p data-at="0">a</p>\n<p data-at="3">b</p>');
});

test("what is nested without end is shown in the end, and soon", () => {
  const began = performance.now();
  for (const text of [">".repeat(20_000), "*".repeat(20_000), "[".repeat(20_000), `${"- ".repeat(5000)}x`, "*a ".repeat(20_000), "![".repeat(10_000), `${"<b>".repeat(20_000)}`, "`".repeat(20_000), "|".repeat(20_000)]) {
    renderMarkdown(text);
  }
  assert.ok(performance.now() - began < 15_000);
});

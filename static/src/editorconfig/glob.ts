// The globs of .editorconfig, as its specification has them. No regular expressions: a hostile one would hang the page.

/** Where in the path a part of the glob can end, for each place where it can begin. Places are counted in characters. */
type Part = (path: readonly string[], from: ReadonlySet<number>) => ReadonlySet<number>;

// Braces within more others than this are characters.
const DEEPEST = 20;

/** Tells whether a glob fits a path that is relative to the folder of its file. */
export function globMatcher(glob: string): (path: string) => boolean {
  const part = new GlobParser(glob.startsWith("/") ? glob.slice(1) : glob).parse();
  // Without a slash it fits in all folders below, too.
  const whole = glob.includes("/") ? part : sequence([leadingFolders, part]);
  return (path) => {
    const characters = Array.from(path);
    return whole(characters, new Set([0])).has(characters.length);
  };
}

class GlobParser {
  private readonly glob: readonly string[];
  private readonly braces: boolean;
  private depth = 0;
  private at = 0;

  constructor(glob: string) {
    this.glob = Array.from(glob);
    const plain = glob.replace(/\\./gsu, "");
    this.braces = plain.split("{").length === plain.split("}").length;
  }

  parse(): Part {
    const parts: Part[] = [];
    // A brace that closes before one opened is a character like others.
    while (this.at < this.glob.length) parts.push(this.alternative(false));
    return sequence(parts);
  }

  /** Up to the end, or to the comma or brace that ends an alternative. */
  private alternative(nested: boolean): Part {
    const parts: Part[] = [];
    while (this.at < this.glob.length) {
      const next = this.glob[this.at];
      if (nested && (next === "," || next === "}")) break;
      parts.push(this.part());
    }
    return sequence(parts);
  }

  private part(): Part {
    if (this.at === 0 && this.take("**/")) return leadingFolders;
    for (const [token, part] of [["/**/", anyFolders], ["**", anything], ["*", anyName], ["?", anyCharacter]] as const) {
      if (this.take(token)) return part;
    }
    const character = this.glob[this.at] ?? "";
    if (character === "[") return this.set();
    if (character === "{" && this.braces && this.depth < DEEPEST) return this.choice();
    this.at += character === "\\" && this.at + 1 < this.glob.length ? 2 : 1;
    return literal(this.glob[this.at - 1] ?? "");
  }

  private take(token: string): boolean {
    if (this.glob.slice(this.at, this.at + token.length).join("") !== token) return false;
    this.at += token.length;
    return true;
  }

  /** `[abc]`, `[a-z]`, `[!abc]`. One that does not end, or spans a slash, is a bracket and what follows it. */
  private set(): Part {
    const begin = this.at;
    this.at += 1;
    const negated = this.take("!");
    const ranges: (readonly [string, string])[] = [];
    while (this.at < this.glob.length && this.glob[this.at] !== "/") {
      if (ranges.length > 0 && this.take("]")) return oneOf(ranges, negated);
      const first = this.member();
      const isRange = this.glob[this.at] === "-" && this.glob[this.at + 1] !== "]";
      ranges.push([first, isRange && this.take("-") ? this.member() : first]);
    }
    this.at = begin + 1;
    return literal("[");
  }

  private member(): string {
    this.take("\\");
    this.at += 1;
    return this.glob[this.at - 1] ?? "";
  }

  /** `{one,two}` and `{1..9}`. Without a comma the braces are characters. */
  private choice(): Part {
    const range = /^\{([+-]?\d+)\.\.([+-]?\d+)\}/.exec(this.glob.slice(this.at, this.at + 64).join(""));
    if (range) {
      this.at += range[0].length;
      return numberWithin(Number(range[1]), Number(range[2]));
    }
    this.at += 1;
    this.depth += 1;
    const choices = [this.alternative(true)];
    while (this.take(",")) choices.push(this.alternative(true));
    this.depth -= 1;
    const closed = this.take("}");
    const [first] = choices;
    if (first && choices.length === 1) return sequence([literal("{"), first, ...(closed ? [literal("}")] : [])]);
    return (path, from) => new Set(choices.flatMap((choice) => [...choice(path, from)]));
  }
}

function sequence(parts: readonly Part[]): Part {
  return (path, from) => parts.reduce((places, part) => part(path, places), from);
}

/** A part of one character. */
function single(fits: (character: string) => boolean): Part {
  return (path, from) => new Set([...from].filter((at) => at < path.length && fits(path[at] ?? "")).map((at) => at + 1));
}

function literal(character: string): Part {
  return single((other) => other === character);
}

const anyCharacter = single((character) => character !== "/");

function oneOf(ranges: readonly (readonly [string, string])[], negated: boolean): Part {
  return single((character) => character !== "/" && ranges.some(([first, last]) => first <= character && character <= last) !== negated);
}

/** All places from the first on up to where `ends` says. */
function upTo(ends: (character: string) => boolean): Part {
  return (path, from) => {
    const places = new Set(from);
    for (let at = 0; at < path.length; at += 1) if (places.has(at) && !ends(path[at] ?? "")) places.add(at + 1);
    return places;
  };
}

const anyName = upTo((character) => character === "/");
const anything = upTo(() => false);

/** Here, or in any folder below. */
const leadingFolders: Part = (path, from) => new Set([...anything(path, from)].filter((at) => from.has(at) || path[at - 1] === "/"));
const anyFolders = sequence([literal("/"), leadingFolders]);

function numberWithin(one: number, other: number): Part {
  const [least, most] = [Math.min(one, other), Math.max(one, other)];
  return (path, from) => {
    const places = new Set<number>();
    for (const begin of from) {
      const digits = /^[+-]?(?:0|[1-9]\d*)/.exec(path.slice(begin, begin + 20).join(""))?.[0] ?? "";
      for (let length = 1; length <= digits.length; length += 1) {
        const value = Number(digits.slice(0, length));
        if (!Number.isNaN(value) && least <= value && value <= most) places.add(begin + length);
      }
    }
    return places;
  };
}

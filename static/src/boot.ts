// The only script that a page names: it loads the rest, and again when that failed.

import { load } from "./loading";

const main = "./main.js";
void load(() => import(main));

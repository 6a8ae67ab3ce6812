// All of language intelligence that is loaded when it is first used.

export { LanguageActions } from "./actions";
export { CodeActions } from "./codeactions";
export { Navigation } from "./navigation";
export { countsOf } from "./problems";
export { LanguageServers } from "./servers";

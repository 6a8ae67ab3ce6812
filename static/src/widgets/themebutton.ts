// The button that changes between light and dark colours. It lives as long as the page.

import { icon, replace, setProps } from "../dom";
import { icons } from "../icons";
import { type Observable, watch } from "../lifecycle";
import { iconButton } from "./button";

export function themeButton(dark: Observable<boolean>, toggle: () => void): HTMLButtonElement {
  const button = iconButton("Dark colours", icons.moon, toggle);
  watch(dark, (isDark) => {
    const label = isDark ? "Light colours" : "Dark colours";
    setProps(button, { "aria-label": label, title: label });
    replace(button, icon(isDark ? icons.sun : icons.moon));
  });
  return button;
}

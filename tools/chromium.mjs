// A browser: the tests open the report in it.

import { need } from "./debian.mjs";

export const browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export const findChromium = () => need({
    commands: browsers,
    needed: "any",
    debianPackage: "chromium",
    how: "Install it: `apt-get install chromium` (Debian), `dnf install chromium` (Fedora), or Google Chrome.",
});

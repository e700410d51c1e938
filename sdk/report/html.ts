// The report as one HTML file that needs nothing else: no network, no folder beside it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./model";

/** Made by the build from `page/`. */
const asset = (name: string): string => readFileSync(join(__dirname, name), "utf8");

export function toHtml(report: Report): string {
    // Inside of a script element "<" could end it.
    const data = JSON.stringify(report).replaceAll("<", "\\u003c");
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer">
<title>Certificates</title>
<style>${asset("page.css")}</style>
</head>
<body>
<header><h1>Certificates</h1><p id="about"></p></header>
<main>
<div id="tiles" role="group" aria-label="Show devices that are"></div>
<div id="plots">
<figure id="months"><h2>Certificates by month of expiry</h2></figure>
<figure id="latencies"><h2>Publish checks</h2></figure>
<figure id="algorithms"><h2>Algorithms</h2></figure>
<figure id="issuers"><h2>Issuers</h2></figure>
</div>
<div id="tools"><input id="search" type="search" placeholder="Search ( / ): name, issuer, serial number …" aria-label="Search devices" autocomplete="off" spellcheck="false"><span id="count" role="status"></span></div>
<div id="scroll" role="region" aria-label="Devices"><table><thead><tr></tr></thead><tbody></tbody></table></div>
<p id="nothing" role="status"></p>
<p id="none">The state holds no certificate that is bound to a device. Is it another stack, or was nothing deployed yet?</p>
<p id="rest"></p>
<div id="end"></div>
<noscript>This page draws its table by JavaScript, which is switched off here. The same in a terminal: <code>pulumi-thingsboard report</code>.</noscript>
</main>
<script type="application/json" id="report">${data}</script>
<script>${asset("page.js").replaceAll("</script", "<\\/script")}</script>
</body>
</html>
`;
}

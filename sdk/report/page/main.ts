// The report in a browser: plots, and a table that is searched, sorted and filtered without asking anybody.

import type { Report } from "../model";
import { minute } from "./columns";
import { drawPlots } from "./plots";
import { showTable } from "./table";
import { showTiles } from "./tiles";

const report = JSON.parse(document.getElementById("report")!.textContent) as Report;

const title = report.stacks.length === 1 ? `Certificates of ${report.stacks[0]}` : `Certificates of ${report.stacks.length} stacks`;
document.title = title;
document.querySelector("h1")!.textContent = title;
document.querySelector("#about")!.textContent =
    `${minute(report.at)} UTC. ` +
    (report.server === undefined ? "From the state alone: no server was asked; drift is as the last refresh saw it." : `Compared with ${report.server}.`) +
    ` A certificate is due ${report.dueDays} days before its end, or as its fleet says.`;

drawPlots(report);
const table = showTable(report);
showTiles(report, table.filter);

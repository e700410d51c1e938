// `npm run docs:messages`: writes docs/messages.md, all that this package says about what is wrong, from the code that says it.

import fs from "node:fs";
import { messagesPage, page } from "./messages/page.mjs";

fs.writeFileSync(page, messagesPage());

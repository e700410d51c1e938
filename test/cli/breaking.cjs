// Preloaded by a test: reading a file fails in a way that nobody has foreseen.
const fs = require("node:fs");
const readFileSync = fs.readFileSync;
fs.readFileSync = (file, ...more) => {
    if (String(file).endsWith("anything.pem")) throw new TypeError("the disk\n has melted");
    return readFileSync(file, ...more);
};
require("node:module").syncBuiltinESMExports();

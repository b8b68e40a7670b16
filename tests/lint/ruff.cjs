// SPDX-License-Identifier: Apache-2.0
// What ruff says of Python files: node ruff.cjs PACKAGE OPTIONS, {name: text} as JSON on stdin.
// It prints a line for each finding: NAME:ROW: CODE MESSAGE
const fs = require("fs");

const { Workspace, PositionEncoding } = require(process.argv[2]);
const workspace = new Workspace(JSON.parse(process.argv[3]), PositionEncoding.Utf32);
for (const [name, text] of Object.entries(JSON.parse(fs.readFileSync(0, "utf8")))) {
  for (const found of workspace.check(text)) {
    console.log(`${name}:${found.start_location.row}: ${found.code ?? "syntax"} ${found.message}`);
  }
}

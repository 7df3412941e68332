"use strict";

/* Files that are downloaded: CSV and restriction files, written so that the harness reads the same texts from them. */

/** A cell of CSV: what a spreadsheet would compute gets an apostrophe before it, as of harness.columns.to_cell. */
function csvCell(value) {
  const text = String(value ?? "");
  const isNumber = typeof value === "number" || /^-(?:|[0-9.][0-9.,eE+-]*|inf|nan)$/.test(text);
  const safe = !isNumber && /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvText(lines) {
  return lines.map((line) => line.map(csvCell).join(",")).join("\n") + "\n";
}

/** A text for YAML, whatever it holds: JSON's is YAML's but for some signs that YAML reads only as escapes. */
function yamlText(text) {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A restriction file: `allow` has positions with values, `archs` indices or names; null: no such condition. */
function restrictionText(bench, allow, archs, note) {
  const list = (texts) => `[${texts.join(", ")}]`;
  const lines = [`bench: ${yamlText(bench)}`];
  if (allow.length) {
    lines.push("allow:", ...allow.map(([name, values]) => `  ${yamlText(name)}: ${list(values.map(yamlText))}`));
  }
  if (archs) lines.push(`archs: ${list(archs.map((arch) => (typeof arch === "number" ? arch : yamlText(arch))))}`);
  return [...lines, `note: ${yamlText(note)}`, ""].join("\n");
}

function save(name, kind, text) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

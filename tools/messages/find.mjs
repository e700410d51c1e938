// Finds what a source file says to users: the texts of `UserError` and `RunError`, of the functions that throw them, and of
// the diagnoses and remedies of what a server refuses.

import fs from "node:fs";
import ts from "typescript";

/** Callees whose last text is a message, with the name that the code gives them everywhere. */
const speakers = new Set(["fail", "UserError", "RunError", "DeploymentError"]);

/** @param {string} file @returns {string[]} in their order, `…` where a value stands */
export function messagesIn(file) {
    const source = ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
    const talksWithServers = /[\\/](mqtt|thingsboard)[\\/]/.test(file);
    /** @type {string[]} */
    const found = [];
    visit(source);
    return found;

    /** @param {ts.Node} node */
    function visit(node) {
        if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && isSpeaker(node)) {
            const text = (node.arguments ?? []).filter((argument) => !ts.isObjectLiteralExpression(argument)).at(-1);
            say(text ? textsOf(text) : []);
        }
        if (ts.isPropertyAssignment(node) && ["reason", "sentence"].includes(node.name.getText())) say(textsOf(node.initializer));
        // `["unauthorized", "what is wrong", "what to do"]`, or without the middle.
        if (talksWithServers && ts.isArrayLiteralExpression(node) && node.elements.length > 1 && node.elements[0] && ts.isStringLiteral(node.elements[0])) {
            say(node.elements.slice(1).map(textsOf).reduce((before, after) => before.flatMap((left) => after.map((right) => `${left}: ${right}`))));
        }
        if (ts.isVariableDeclaration(node) && node.name.getText() === "remedy" && node.initializer) say(textsOf(node.initializer).map(asRemedy));
        if (ts.isFunctionDeclaration(node) && /remedy$/i.test(node.name?.text ?? "")) visitReturns(node);
        ts.forEachChild(node, visit);
    }

    /** @param {ts.Node} node */
    function visitReturns(node) {
        if (ts.isReturnStatement(node) && node.expression) say(textsOf(node.expression).map(asRemedy));
        ts.forEachChild(node, visitReturns);
    }

    /** @param {string[]} messages */
    function say(messages) {
        found.push(...messages.filter(isMessage));
    }
}

/** `fail(…)`, `new UserError(…)`, `refuse("Device", name)(…)`. @param {ts.CallExpression | ts.NewExpression} node */
function isSpeaker(node) {
    const { expression } = node;
    if (ts.isCallExpression(expression)) return ts.isIdentifier(expression.expression) && expression.expression.text === "refuse";
    const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : ts.isIdentifier(expression) ? expression.text : "";
    return speakers.has(name);
}

/** @param {string} text */
function asRemedy(text) {
    return `…: ${text}`;
}

/** What is passed on from elsewhere says nothing here. @param {string} text */
function isMessage(text) {
    return /[a-z]{2,} [a-z]/i.test(text.replaceAll("…", ""));
}

/** One text, or, where the code chooses, each of them. @param {ts.Expression} node @returns {string[]} */
function textsOf(node) {
    if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
    if (ts.isStringLiteralLike(node)) return [node.text];
    if (ts.isTemplateExpression(node)) return [tidy([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…"))];
    if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
        return textsOf(node.left).flatMap((left) => textsOf(node.right).map((right) => tidy(left + right)));
    }
    return ["…"];
}

/** @param {string} text */
function tidy(text) {
    return text.replace(/…(\s*…)+/g, "…");
}

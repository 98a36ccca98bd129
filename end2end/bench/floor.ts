// The least the page can cost the main thread: the changes of its document, recorded while it runs, made once more in a
// still copy by a few lines of JavaScript, at the same times. No program, no socket, no drawing on canvases.
import { Browser, Page } from "@playwright/test";

/** A node as it was first seen; its id names it in later changes. */
type Seen =
  | { id: number; name: string; namespace: string; attributes: [string, string][]; children: Seen[] }
  | { id: number; text: string; isComment: boolean };

/** One change of the document. */
type Change =
  | { kind: "text"; id: number; text: string }
  | { kind: "attribute"; id: number; name: string; value: string | null }
  | { kind: "insert"; parent: number; node: Seen | number; before: number | null }
  | { kind: "remove"; id: number };

/** The changes of a page's document, and the state from which they can be repeated. */
export interface Recording {
  body: Seen;
  css: string;
  attributes: [string, string][];
  batches: { at_ms: number; changes: Change[] }[];
}

/** Records the changes of `page`'s document for `seconds`. */
export function recordChanges(page: Page, seconds: number): Promise<Recording> {
  return page.evaluate(async (seconds) => {
    const ids = new WeakMap<Node, number>();
    let n_seen = 0;
    const attributesOf = (element: Element) => [...element.attributes].map((entry): [string, string] => [entry.name, entry.value]);
    const see = (node: Node): Seen => {
      const id = (n_seen += 1);
      ids.set(node, id);
      if (!(node instanceof Element)) return { id, text: node.nodeValue ?? "", isComment: node instanceof Comment };
      const children = [...node.childNodes].filter((child) => child.nodeName !== "SCRIPT").map(see);
      return { id, name: node.localName, namespace: node.namespaceURI ?? "", attributes: attributesOf(node), children };
    };
    const body = see(document.body);
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText));
    const batches: Recording["batches"] = [];
    const started = performance.now();
    const observer = new MutationObserver((records) => {
      const changes = records.flatMap((record): Change[] => {
        const id = ids.get(record.target)!;
        if (record.type === "characterData") return [{ kind: "text", id, text: record.target.nodeValue ?? "" }];
        if (record.type === "attributes") {
          const name = record.attributeName!;
          return [{ kind: "attribute", id, name, value: (record.target as Element).getAttribute(name) }];
        }
        const removed = [...record.removedNodes].map((node): Change => ({ kind: "remove", id: ids.get(node)! }));
        const before = (record.nextSibling && ids.get(record.nextSibling)) ?? null;
        const added = [...record.addedNodes].map(
          (node): Change => ({ kind: "insert", parent: id, node: ids.get(node) ?? see(node), before }),
        );
        return [...removed, ...added];
      });
      batches.push({ at_ms: performance.now() - started, changes });
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    await new Promise((done) => setTimeout(done, seconds * 1_000));
    observer.disconnect();
    return { body, css: rules.join("\n"), attributes: attributesOf(document.documentElement), batches };
  }, seconds);
}

/** Opens a still copy of the recorded document that begins to make its changes, each in a frame after its time. */
export async function replayChanges(browser: Browser, recording: Recording): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.evaluate(({ body, css, attributes, batches }) => {
    const nodes = new Map<number, Node>();
    const build = (seen: Seen): Node => {
      const node =
        "name" in seen
          ? document.createElementNS(seen.namespace, seen.name)
          : seen.isComment
            ? document.createComment(seen.text)
            : document.createTextNode(seen.text);
      nodes.set(seen.id, node);
      if ("name" in seen && node instanceof Element) {
        for (const [name, value] of seen.attributes) node.setAttribute(name, value);
        node.append(...seen.children.map(build));
      }
      return node;
    };
    for (const [name, value] of attributes) document.documentElement.setAttribute(name, value);
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
    document.body.replaceWith(build(body));
    const make = (change: Change) => {
      if (change.kind === "insert") {
        const node = typeof change.node === "number" ? nodes.get(change.node)! : build(change.node);
        const before = (change.before !== null && nodes.get(change.before)) || null;
        const parent = nodes.get(change.parent)!;
        parent.insertBefore(node, before?.parentNode === parent ? before : null);
        return;
      }
      const node = nodes.get(change.id)!;
      if (change.kind === "text") node.nodeValue = change.text;
      else if (change.kind === "remove") (node as ChildNode).remove();
      else if (change.value === null) (node as Element).removeAttribute(change.name);
      else (node as Element).setAttribute(change.name, change.value);
    };
    const started = performance.now();
    const next = (idx: number) => {
      const batch = batches[idx];
      if (!batch) return;
      setTimeout(
        () =>
          requestAnimationFrame(() => {
            batch.changes.forEach(make);
            next(idx + 1);
          }),
        batch.at_ms - (performance.now() - started),
      );
    };
    next(0);
  }, recording);
  return page;
}

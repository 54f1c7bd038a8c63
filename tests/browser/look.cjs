// Opens reports in headless Chromium as people do (desktop and phone, light and dark, 200 % zoom, print) and tells as JSON
// what overflows, what axe-core finds, and what was fetched. Usage:
//   node look.cjs MODULES CHROMIUM OUT FILE.html...
const path = require("node:path");
const [modules, chromium, out, ...files] = process.argv.slice(2);
const { chromium: browserType } = require(path.join(modules, "playwright-core"));
const axe = require.resolve(path.join(modules, "axe-core", "axe.min.js"));

const views = [
  { name: "desktop-light", width: 1280, height: 900, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 900, scheme: "dark" },
  { name: "phone-light", width: 390, height: 844, scheme: "light" },
  { name: "phone-dark", width: 390, height: 844, scheme: "dark" },
  // 200 % zoom of a 1280 px window is a window of 640 px with doubled pixels.
  { name: "zoomed-light", width: 640, height: 450, scheme: "light", scale: 2 },
];

async function judge(browser, file, view) {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    deviceScaleFactor: view.scale ?? 1,
    colorScheme: view.scheme,
    // The report allows no script at all; the checker has to be put in all the same.
    bypassCSP: true,
  });
  const page = await context.newPage();
  const fetched = [];
  page.on("request", (request) => fetched.push(request.url()));
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  const url = "file://" + path.resolve(file);
  await page.goto(url);
  const shot = path.join(out, `${path.basename(file, ".html")}-${view.name}`);
  await page.screenshot({ path: `${shot}.png` });
  if (process.env.UNBROKEN_WHOLE_PAGES) await page.screenshot({ path: `${shot}-whole.png`, fullPage: true });
  const overflow = await page.evaluate(() => {
    const root = document.documentElement;
    const spilled = [...document.querySelectorAll("body *")]
      .filter((element) => !element.closest(".scroll > *") && !element.closest("svg *"))
      .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 120));
    return { scroll: root.scrollWidth, client: root.clientWidth, spilled: spilled.slice(0, 5) };
  });
  const texts = await page.evaluate(() => {
    // Text in a drawing that runs out of it, or over another text.
    const found = [];
    for (const svg of document.querySelectorAll("svg[role=img]")) {
      const frame = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
      for (const [at, [words, box]] of boxes.entries()) {
        if (box.right > frame.right + 1 || box.left < frame.left - 1 || box.bottom > frame.bottom + 1)
          found.push(`out of the drawing: ${words}`);
        for (const [other, beside] of boxes.slice(at + 1)) {
          const x = Math.min(box.right, beside.right) - Math.max(box.left, beside.left);
          const y = Math.min(box.bottom, beside.bottom) - Math.max(box.top, beside.top);
          if (x > 2 && y > 4) found.push(`over one another: ${words} / ${other}`);
        }
      }
    }
    return found.slice(0, 10);
  });
  await page.addScriptTag({ path: axe });
  const violations = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return result.violations.map((one) => ({
      rule: one.id,
      impact: one.impact,
      nodes: one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + " – " + (node.failureSummary ?? "").slice(0, 300)),
    }));
  });
  const ran = await page.evaluate(() => ({ marked: globalThis.hostile === undefined ? null : String(globalThis.hostile) }));
  await context.close();
  return {
    file: path.basename(file),
    view: view.name,
    overflow,
    texts,
    violations,
    fetched: fetched.filter((one) => one !== url),
    dialogs,
    hostile: ran.marked,
  };
}

async function print(browser, file) {
  const page = await browser.newPage();
  await page.goto("file://" + path.resolve(file));
  const name = path.join(out, `${path.basename(file, ".html")}.pdf`);
  await page.pdf({ path: name, preferCSSPageSize: true, printBackground: true });
  await page.close();
}

(async () => {
  const browser = await browserType.launch({
    executablePath: chromium,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const found = [];
  try {
    for (const file of files) {
      for (const view of views) found.push(await judge(browser, file, view));
      await print(browser, file);
    }
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(found) + "\n");
})().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});

// Waits until a page stands still: its script at rest, every chart and table in sight drawn in its place.
// Answers with what is missing when the patience is at its end; with nothing when all is there.
async (patience) => {
  const STILL_FRAMES = 3;
  const within = (selector) =>
    [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());

  const size = (element) => `${element.clientWidth}x${element.clientHeight}`;

  const missing = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (app?.dataset.testScriptState !== "notRunning") return "the end of the script";
    if (!document.querySelector("h1")) return "a heading";
    if (document.querySelector('[data-testid="stSkeleton"]')) return "what a skeleton stands for";
    if (document.fonts.status !== "loaded") return "a font";
    for (const place of within('[data-testid="stVegaLiteChart"]')) {
      const drawing = place.querySelector(".marks:not([data-before])");
      if (!drawing || drawing.clientWidth > place.clientWidth + 1) return "a chart";
    }
    for (const place of within('[data-testid="stDataFrame"]'))
      if (!place.querySelector("canvas")?.clientWidth) return "a table";
    return "";
  };

  const shape = () =>
    [document.documentElement, ...within('[data-testid="stMain"] > *, .marks, canvas')]
      .map(size)
      .join(" ");

  const deadline = performance.now() + patience;
  let lacks = "";
  let before = "";
  let still = 0;
  while (performance.now() < deadline) {
    await new Promise(requestAnimationFrame);
    lacks = missing();
    const now = lacks ? "" : shape();
    still = now && now === before ? still + 1 : 0;
    before = now;
    if (still === STILL_FRAMES) return "";
  }
  return lacks || "rest";
};

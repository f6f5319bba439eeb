/** The style of the page, for light and dark. It names no address, and the page allows this very text and no other. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #d9dee4; --panel: #f6f8fa;
  --good: #1a7f37; --bad: #cf222e; --busy: #0969da; --waiting: #9a6700; --over: #6e7781; --idle: #8c959f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --panel: #161b22;
    --good: #3fb950; --bad: #f85149; --busy: #58a6ff; --waiting: #d29922; --over: #848d97; --idle: #6e7681; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 28px 24px 64px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 8px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 28px 0 8px; }
h4, h5 { font-size: 14px; margin: 10px 0 4px; overflow-wrap: anywhere; }
p { margin: 4px 0; overflow-wrap: anywhere; }
a { color: inherit; text-decoration-color: var(--soft); }
code, pre, .events, .waterfall th[scope="row"] { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12px; }
figure { margin: 12px 0; }
figcaption, .note, .label { color: var(--soft); font-weight: normal; font-size: 13px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0; }
.tiles div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; }
.tiles b { display: block; font-size: 18px; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 12px; }
.badge { border: 1px solid currentColor; border-radius: 10px; padding: 0 8px; font: 12px/1.5 system-ui, sans-serif; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .busy { color: var(--busy); }
.waiting { color: var(--waiting); } .over { color: var(--over); } .idle { color: var(--idle); }
.graph { display: block; } .graph.fit { width: 100%; height: auto; }
.graph .box { fill: var(--panel); stroke: currentColor; stroke-width: 1.2; }
.graph .mark { fill: currentColor; }
.graph .name { fill: var(--ink); font: 600 13px system-ui, sans-serif; }
.graph .note { fill: var(--soft); font: 11px system-ui, sans-serif; }
.graph a:hover .box { stroke-width: 2.4; }
.graph .over .box, .graph .idle .box { stroke-dasharray: 4 3; }
.graph .edge { fill: none; stroke: var(--idle); stroke-width: 1.3; }
.graph .loose { stroke-dasharray: 5 4; }
.graph .branch { fill: var(--soft); font: 11px system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; }
thead th { color: var(--soft); font-size: 12px; font-weight: normal; }
td, th { padding: 2px 8px; vertical-align: top; }
.waterfall { table-layout: fixed; }
.waterfall th:first-child { width: 30%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: normal; }
.waterfall td:last-child, .waterfall th:last-child { width: 92px; text-align: right; white-space: nowrap; font-size: 12px; }
.waterfall tbody tr:hover { background: var(--panel); }
.waterfall td, .waterfall th { vertical-align: middle; }
.depth-1 th { padding-left: 26px; } .depth-2 th { padding-left: 44px; }
.depth-1, .depth-2 { color: var(--soft); }
.axis { display: flex; justify-content: space-between; }
.bars { display: block; width: 100%; height: 12px; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.bar { fill: currentColor; } .bar.asked { fill: var(--waiting); opacity: .45; }
.depth-1 .bar { opacity: .75; }
.dot { display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: currentColor; margin-right: 6px; }
.numbers td, .numbers th { text-align: right; } .numbers th:first-child, .numbers td:nth-child(2), .numbers th:nth-child(2) { text-align: left; }
.numbers tfoot { border-top: 1px solid var(--line); font-weight: 600; }
.events td { border-top: 1px solid var(--line); white-space: nowrap; } .events .data { white-space: pre-wrap; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; margin: 8px 0; }
details:target { border-color: var(--busy); }
summary { cursor: pointer; overflow-wrap: anywhere; }
.step, .tool { border-left: 2px solid var(--line); padding-left: 14px; margin: 10px 0 10px 4px; }
.said { margin: 6px 0; }
pre { margin: 2px 0; padding: 8px 12px; background: var(--panel); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere;
  max-height: 320px; overflow-y: auto; unicode-bidi: plaintext; }
.fault { color: var(--bad); white-space: pre-wrap; }
footer { margin-top: 40px; color: var(--soft); font-size: 12px; }
`;

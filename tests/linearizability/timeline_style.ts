/** How the picture looks, by day and by night. */
export const TIMELINE_STYLE = `
:root { --text: #1b1f24; --paper: #ffffff; --line: #d5dae0; --faint: #5d6670;
  --placed: #cfe8d5; --stuck: #f6b4ae; --open: #e7eaee; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e5e9ee; --paper: #14171a; --line: #333a42; --faint: #98a2ad;
    --placed: #1f4a2e; --stuck: #8c2a22; --open: #2a3037; }
}
body { margin: 16px; background: var(--paper); color: var(--text);
  font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 20px; margin: 0 0 8px; }
h2 { font-size: 13px; margin: 12px 0 4px; }
.verdict { font-weight: 600; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.picture { position: relative; padding: 4px 0; }
.ticks { position: relative; height: 18px; color: var(--faint); font-size: 11px; }
.ticks span { position: absolute; white-space: nowrap; }
.lane { position: relative; border-top: 1px solid var(--line); padding: 3px 0; }
.lane h2 { position: sticky; left: 8px; display: inline-block; margin: 0; color: var(--faint); }
.row { position: relative; height: 24px; }
.bar { background: var(--open); color: var(--text); border: 1px solid var(--line);
  border-radius: 4px; font-size: 11px; line-height: 18px; padding: 0 4px; overflow: hidden;
  white-space: nowrap; box-sizing: border-box; }
.row .bar { position: absolute; height: 20px; }
.bar.placed { background: var(--placed); }
.bar.stuck { background: var(--stuck); border: 2px solid currentColor; font-weight: 600; }
.bar.maybe { border-style: dashed; }
.legend .bar { padding: 2px 6px; }
`;

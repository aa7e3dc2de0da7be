// Stacks as a flame graph: each call a bar over the one that made it, as wide as the time in it and below it; colours
// are parts of the system. Drawn on white, so that it can be read on a dark page too.

import * as echarts from "echarts";
import type { Frame, Stack } from "./samples.ts";

interface Call {
  readonly frame: Frame;
  ms: number;
  readonly calls: Map<string, Call>;
}

/** One bar; times in ms. */
interface Bar extends Frame {
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

const width = 1_400;
const rowHeight = 17;
const margin = { side: 10, top: 64, bottom: 10 } as const;
/** Bars that would be thinner, in px, are left out. */
const thinnest = 0.7;
/** Of a letter, in px, and the least that is worth a label. */
const letter = 6.3;
const fewestLetters = 3;
/** Deeper calls are cut off: what is above them still has their time. */
const deepest = 45;
const palette = [
  "#8fb8de",
  "#f2b77c",
  "#a5d19a",
  "#e79a9a",
  "#c3a6d8",
  "#d3b9a0",
  "#f0aed2",
  "#9fd5d1",
  "#d9d17c",
];
const others = "#c4c8cc";
const text = { color: "#222222", fontSize: 11, fontFamily: "sans-serif" };

/** `title` also says what the full width is. */
export function flameGraph(title: string, stacks: readonly Stack[]): string {
  const root = callTree(stacks);
  const bars = barsOf(root);
  const msByPart = new Map<string, number>();
  for (const { frames, ms } of stacks) {
    const part = frames.at(-1)?.part ?? "";
    msByPart.set(part, (msByPart.get(part) ?? 0) + ms);
  }
  const parts = [...msByPart.keys()].toSorted(
    (one, other) => (msByPart.get(other) ?? 0) - (msByPart.get(one) ?? 0),
  );
  const colours = new Map(parts.slice(0, palette.length).map((part, at) => [part, palette[at] ?? others]));
  const colourOf = (part: string): string => colours.get(part) ?? others;
  const rows = 1 + Math.max(0, ...bars.map(({ depth }) => depth));
  const height = margin.top + rows * rowHeight + margin.bottom;
  const scale = (width - 2 * margin.side) / Math.max(root.ms, Number.MIN_VALUE);
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({
      backgroundColor: "#ffffff",
      animation: false,
      title: { text: title, left: "center", top: 4, textStyle: { ...text, fontSize: 14 } },
      graphic: legend([...colours.keys()], colourOf),
      xAxis: { show: false, min: 0, max: 1 },
      yAxis: { show: false, min: 0, max: 1 },
      series: [
        {
          type: "custom",
          data: bars.map(({ from }) => [from, 0]),
          renderItem: ({ dataIndex }: echarts.CustomSeriesRenderItemParams) => {
            const { depth, from, to, name, part } = bars[dataIndex] ?? nothing;
            const wide = (to - from) * scale;
            const letters = Math.floor((wide - 4) / letter);
            return {
              type: "rect",
              shape: {
                x: margin.side + from * scale,
                y: height - margin.bottom - (depth + 1) * rowHeight,
                width: Math.max(0, wide - 0.5),
                height: rowHeight - 1,
              },
              style: { fill: colourOf(part) },
              textContent: {
                type: "text",
                style: { ...text, text: letters < fewestLetters ? "" : cut(name, letters) },
              },
              textConfig: { position: "insideLeft", distance: 3 },
            };
          },
        },
      ],
    });
    return withTooltips(chart.renderToSVGString(), bars, root.ms);
  } finally {
    chart.dispose();
  }
}

const nothing: Bar = { name: "", part: "", depth: 0, from: 0, to: 0 };

function callTree(stacks: readonly Stack[]): Call {
  const root: Call = { frame: nothing, ms: 0, calls: new Map() };
  for (const { frames, ms } of stacks) {
    root.ms += ms;
    let call = root;
    for (const frame of frames.slice(0, deepest)) {
      const key = `${frame.part} ${frame.name}`;
      const next = call.calls.get(key) ?? { frame, ms: 0, calls: new Map() };
      call.calls.set(key, next);
      next.ms += ms;
      call = next;
    }
  }
  return root;
}

function barsOf(root: Call): readonly Bar[] {
  const least = (thinnest * root.ms) / width;
  const bars: Bar[] = [];
  const place = (call: Call, depth: number, start: number): void => {
    let from = start;
    for (const next of [...call.calls.values()].toSorted((one, other) => other.ms - one.ms)) {
      if (next.ms >= least) {
        bars.push({ ...next.frame, depth, from, to: from + next.ms });
        place(next, depth + 1, from);
      }
      from += next.ms;
    }
  };
  place(root, 0, 0);
  return bars;
}

function legend(parts: readonly string[], colourOf: (part: string) => string) {
  const names = [...parts, "others"];
  let left = margin.side;
  return names.map((part) => {
    const x = left;
    left += 26 + part.length * letter;
    return {
      type: "group" as const,
      left: x,
      top: 34,
      children: [
        {
          type: "rect" as const,
          shape: { x: 0, y: 0, width: 12, height: 12 },
          style: { fill: colourOf(part) },
        },
        { type: "text" as const, x: 16, y: 1, style: { ...text, text: part } },
      ],
    };
  });
}

function cut(name: string, letters: number): string {
  return name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
}

/** The library writes an element's data index and no title. */
function withTooltips(svg: string, bars: readonly Bar[], totalMs: number): string {
  let next = 0;
  const isBar = new Set(bars.map((_, at) => at));
  return svg.replace(/<path ([^>]*)><\/path>/g, (element, attributes: string) => {
    const told = /ecmeta_data_index="(\d+)"/.exec(attributes)?.[1];
    const at = told === undefined ? next : Number(told);
    if (told === undefined || !isBar.has(at)) return element;
    next = at + 1;
    const { name, part, from, to } = bars[at] ?? nothing;
    const share = ((100 * (to - from)) / totalMs).toFixed(1);
    return `<path ${attributes}><title>${echarts.format.encodeHTML(`${name} (${part}) ${share} %`)}</title></path>`;
  });
}

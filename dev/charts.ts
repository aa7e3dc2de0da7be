// What all charts have in common, whatever they show: SVG files, drawn without a browser. On white, so that they can be
// read on a dark page too.

import * as echarts from "echarts";

export const chartWidth = 1_100;
/** Of axes, legends and names of axes. */
export const chartText = { color: "#333333", fontSize: 12 };

/** Above everything else. */
export function chartTitle(title: string) {
  return { text: title, left: "center", top: 4, textStyle: { ...chartText, fontSize: 15 } };
}

/** An axis at the foot of a chart, with its name below it. */
export function footAxis(name: string) {
  return { name, nameLocation: "middle", nameGap: 28, nameTextStyle: chartText } as const;
}

/** The text of an SVG file that is `chartWidth` wide. */
export function drawChart(height: number, option: echarts.EChartsOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: chartWidth, height });
  try {
    chart.setOption({ backgroundColor: "#ffffff", animation: false, ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

// Charts, drawn by uPlot: bars that stand on each other, and lines; redrawn where the place or the colours change.

const STEP = { day: 86400, hour: 3600 };
const drawn = new Map(); // by their places, which may be gone from the page

/** The colours of the series, by the scheme that is in force. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return ['--s1', '--s2', '--s3', '--s4', '--s5', '--s6'].map((name) => style.getPropertyValue(name).trim());
}

/** What the clock showed at `2025-01-15T10:00:00+09:00`, in seconds since 1970 as if it were UTC. */
export function seconds(began) {
  return Date.parse(`${began.slice(0, 19)}Z`) / 1000;
}

/** Every place in time from the first to the last, also those where nothing was. */
export function places(times, by) {
  const all = times.map((each) => seconds(each.began));
  const last = Math.max(...all);
  const found = [];
  for (let at = Math.min(...all); at <= last; at += STEP[by]) found.push(at);
  return found;
}

/** Bars of `series` (`{label, colour, values}`) that stand on each other, the first at the bottom. */
export function stackedBars(host, { xs, by, series, formatX, formatY }) {
  const sums = [];
  let below = xs.map(() => 0);
  for (const { values } of series) {
    below = below.map((sum, at) => sum + (values[at] ?? 0));
    sums.push(below);
  }
  // the highest is drawn first, the others before it
  const order = series.map((each, at) => ({ ...each, sums: sums[at] })).reverse();
  const bars = uPlot.paths.bars({ size: [0.72, 46], radius: 0.12 });
  draw(host, {
    by, xs, formatX, formatY,
    data: [xs, ...order.map((each) => each.sums)],
    series: order.map((each) => ({ fill: each.colour, stroke: each.colour, width: 0, paths: bars, points: { show: false } })),
    rows: (at) => series.map((each) => [each.label, each.colour, each.values[at]]).filter(([, , value]) => value),
  });
}

/** Lines of `series` (`{label, colour, values}`), with gaps where a value is null. */
export function lines(host, { xs, by, series, formatX, formatY }) {
  draw(host, {
    by, xs, formatX, formatY,
    data: [xs, ...series.map((each) => each.values)],
    series: series.map((each) => ({ stroke: each.colour, width: 2, points: { show: xs.length < 45, size: 5, fill: each.colour } })),
    rows: (at) => series.map((each) => [each.label, each.colour, each.values[at]]).filter(([, , value]) => value !== null),
  });
}

function draw(host, { xs, by, data, series, rows, formatX, formatY }) {
  for (const [place, chart] of drawn) {
    if (place === host || !place.isConnected) {
      chart.destroy();
      drawn.delete(place);
    }
  }
  const style = getComputedStyle(document.documentElement);
  const soft = style.getPropertyValue('--soft').trim();
  const line = style.getPropertyValue('--line').trim();
  const half = STEP[by] / 2;
  const font = `12px ${getComputedStyle(host).fontFamily}`;
  const axis = { stroke: soft, font, ticks: { show: false } };
  const chart = new uPlot({
    width: Math.max(host.clientWidth, 200),
    height: host.clientHeight,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [xs[0] - half, xs[xs.length - 1] + half] },
      y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    series: [{}, ...series],
    axes: [
      { ...axis, grid: { show: false }, size: 32, space: 74, incrs: increments(by), values: (_chart, splits) => splits.map((each) => formatX(each, true)) },
      { ...axis, grid: { stroke: line, width: 1 }, size: 62, space: 44, values: (_chart, splits, _axis, _space, step) => splits.map((each) => formatY(each, step)) },
    ],
    plugins: [tooltip({ xs, rows, formatX, formatY })],
  }, data, host);
  const watch = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = host;
    if (width > 0 && (width !== chart.width || height !== chart.height)) chart.setSize({ width, height });
  });
  watch.observe(host);
  drawn.set(host, { destroy: () => { watch.disconnect(); chart.destroy(); } });
}

function increments(by) {
  const whole = [1, 2, 3, 7, 14, 30, 61, 91, 182, 365].map((days) => days * 86400);
  return by === 'hour' ? [3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, ...whole] : whole;
}

function tooltip({ xs, rows, formatX, formatY }) {
  const box = document.createElement('div');
  box.className = 'tip';
  box.hidden = true;
  const line = (label, colour, value) => {
    const row = document.createElement('div');
    const mark = document.createElement('i');
    mark.style.background = colour;
    const number = document.createElement('b');
    number.textContent = formatY(value);
    row.append(mark, label, number);
    return row;
  };
  return {
    hooks: {
      init: (chart) => {
        chart.over.append(box);
        chart.over.addEventListener('mouseleave', () => { box.hidden = true; });
      },
      setCursor: (chart) => {
        const at = chart.cursor.idx;
        if (at === null || at === undefined || chart.cursor.left < 0) { box.hidden = true; return; }
        const title = document.createElement('strong');
        title.textContent = formatX(xs[at], false);
        box.replaceChildren(title, ...rows(at).map((row) => line(...row)));
        box.hidden = false;
        const isRight = chart.cursor.left > chart.over.clientWidth / 2;
        box.style.left = isRight ? '' : `${chart.cursor.left + 14}px`;
        box.style.right = isRight ? `${chart.over.clientWidth - chart.cursor.left + 14}px` : '';
      },
    },
  };
}

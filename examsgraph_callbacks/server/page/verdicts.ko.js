// 실험의 판정을 한국어 문장으로: experiments/words.py 가 영어로 하는 말과 같은 말.

const METRICS = {
  satisfaction: ['만족도', '', 3], understanding: ['이해도', '', 3], followup_rate: ['추가 질문 비율', '', 3],
  cost_usd: ['비용', ' USD', 6], latency_ms: ['지연 시간', ' ms', 0],
};
const GUARDRAILS = ['cost_usd', 'latency_ms'];

// 판정이 없는 까닭과 주의는 영어로 온다 (experiments/verdicts.py): 아는 모양이면 옮긴다.
const REASONS = [
  [/^the experiment was changed while it ran: .*$/, () => '실험 도중에 설정이 바뀌었으니 새 이름으로 다시 시작하세요'],
  [/^([\d,]+) of ([\d,]+) learners were given several variants: .*$/, (mixed, all) => `학습자 ${all}명 중 ${mixed}명이 여러 변형을 받았으니, 함께 쓰거나 바뀌는 사용자 ID가 있는지 보세요`],
  [/^([\d,]+) learners against ([\d,]+) where ([\d.]+%) were planned \(p (\S+)\): .*$/, (here, there, share, p) => `계획한 비율은 ${share}인데 학습자가 ${here}명 대 ${there}명 (p ${p}): 일부가 빠졌으니, 프롬프트 말고 무엇이 다른지 보세요`],
];
const CAUTIONS = [
  [/^The arms' learners react more or less often than each other: .*$/, () => '변형마다 학습자가 반응하는 비율이 다릅니다: 비교되는 것은 반응한 학습자들입니다.'],
  [/^Calls without a price, which are not in the cost: ([\d,]+)\.$/, (count) => `가격을 몰라 비용에 들어가지 않은 호출: ${count}건.`],
  [/^Learners who were given several variants, and are left out: ([\d,]+)\.$/, (count) => `여러 변형을 받아 제외된 학습자: ${count}명.`],
];

/** The verdict at that place of a report, in a sentence; null where its shape is not known. */
export function sentence(report, at) {
  const found = report.comparisons?.[at];
  const metric = METRICS[report.metric];
  if (!found || !metric) return null;
  const { variant } = found;
  switch (found.verdict) {
    case 'invalid': {
      const why = translated(REASONS, found.why ?? '');
      return why === null ? null : `${variant}: 판정할 수 없음. ${why}.`;
    }
    case 'better':
    case 'worse':
      return `${variant}: ${report.control}보다 ${found.verdict === 'better' ? '나음' : '못함'}. ${metric[0]} ${interval(report, found)}, ${found.decided_on}에 결정.${price(found)}`;
    case 'no difference larger than':
      return `${variant}: ${report.control}과(와) ${metric[0]}의 차이가 ${amount(report.metric, found.bound)}보다 크지 않음. ${interval(report, found)}.`;
    case 'not enough data':
      return `${variant}: 데이터가 아직 부족함. ${missing(report, found)}.`;
    default:
      return null;
  }
}

/** A caution; null where its shape is not known. */
export function caution(text) {
  return translated(CAUTIONS, text);
}

function translated(shapes, text) {
  for (const [shape, said] of shapes) {
    const found = shape.exec(text);
    if (found) return said(...found.slice(1));
  }
  return null;
}

function amount(metric, number, signDisplay = 'auto') {
  const [, unit, digits] = METRICS[metric];
  return `${number.toLocaleString('ko-KR', { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay })}${unit}`;
}

function change(metric, number) {
  return number === null ? '끝없음' : amount(metric, number, 'always');
}

function percent(share) {
  return `${Math.round(100 * share)}%`;
}

function interval({ metric, significance }, { estimate, low, high }) {
  if (estimate === null) return '아직 관찰된 것이 없음';
  if (low === null || high === null) return `${change(metric, estimate)} (구간을 말하기에는 아직 이름)`;
  return `${change(metric, estimate)} (${percent(1 - significance)} 구간 ${change(metric, low)} ~ ${change(metric, high)})`;
}

/** What got worse with it, of what should not. */
function price({ verdict, others }) {
  const worse = (others ?? []).filter((each) => each.change === 'worse' && GUARDRAILS.includes(each.metric));
  if (verdict !== 'better' || !worse.length) return '';
  return ` 다만 ${worse.map((each) => `${METRICS[each.metric][0]} ${change(each.metric, each.estimate)} (${change(each.metric, each.low)} ~ ${change(each.metric, each.high)}) 나빠짐`).join(', ')}.`;
}

function missing(report, found) {
  const planned = `${amount(report.metric, report.minimum_effect)}의 차이`;
  if (found.learners_needed === null) return `${planned}를 찾는 데 학습자가 몇 명 필요한지 말하기에도 아직 적음`;
  return `${percent(report.power)}의 검정력으로 ${planned}를 찾는 데 필요한 정보의 ${percent(found.fraction)}: 학습자 약 ${found.learners_needed.toLocaleString('ko-KR')}명이 더 필요함. 지금까지 ${interval(report, found)}`;
}

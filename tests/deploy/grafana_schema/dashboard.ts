// What a dashboard of these panels is, by Grafana's own types (npm: @grafana/schema).
import type * as D from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type * as TimeSeries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import type * as Stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as BarGauge from './node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import type * as common from '@grafana/schema';

type FieldsOf<Custom> = Omit<D.FieldConfigSource, 'defaults'> & { defaults: Omit<D.FieldConfig, 'custom'> & { custom?: Custom } };
type Of<Type extends string, Options, Custom> = Omit<D.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> &
  { type: Type; options: Options; fieldConfig: FieldsOf<Custom>; targets: Query[] };
interface Query extends common.DataQuery { expr: string; instant?: boolean; range?: boolean; legendFormat?: string }

export type ProductPanel =
  | Of<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>
  | Of<'stat', Stat.Options, undefined>
  | Of<'bargauge', BarGauge.Options, undefined>
  | D.RowPanel;
export type ProductDashboard = Omit<D.Dashboard, 'panels'> & { panels: ProductPanel[] };

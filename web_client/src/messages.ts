/**
 * Every state a person meets that is not the plain course of things (R5): its sentence and its ways out, in one table
 * a kind. The server's own failures bring their sentence with them; here they only get their ways out.
 */
import type {
  AgentStatus,
  AssistanceView,
  CallView,
  CloseReason,
  ConfirmationAction,
  ConfirmationPhase,
  DeviceProblem,
  EndReason,
  ErrorCode,
  Role,
  TransferView,
  WireError,
} from '@/protocol/messages';
import type { ConnectionStatus } from '@/signaling/connection';
import { RequestError, type FailureCode } from '@/signaling/errors';

export type Tone = 'info' | 'success' | 'warning' | 'danger';

export type WayOut =
  | 'share_screen'
  | 'request_assistance'
  | 'hang_up_assistance'
  | 'ask_call'
  | 'start_call'
  | 'retry_devices'
  | 'hang_up_call'
  | 'list_agents'
  | 'join_queue'
  | 'leave_message'
  | 'book'
  | 'my_authority'
  | 'call_hotline'
  | 'unblock_audio'
  | 'continue_here'
  | 'reload'
  | 'sign_in'
  | 'dismiss';

export const WAY_OUT_LABELS: Readonly<Record<WayOut, string>> = {
  share_screen: '重新选择',
  request_assistance: '再次申请协助',
  hang_up_assistance: '结束协助',
  ask_call: '申请音视频',
  start_call: '再次发起',
  retry_devices: '重试',
  hang_up_call: '结束通话',
  list_agents: '选择其他税务人员',
  join_queue: '重新联系人工',
  leave_message: '留言',
  book: '预约',
  my_authority: '我的机关',
  call_hotline: '拨打 12366',
  unblock_audio: '打开声音',
  continue_here: '在此继续',
  reload: '刷新页面',
  sign_in: '重新登录',
  dismiss: '知道了',
};

/** Ways out that lead into the personal centre. */
export type CentreWay = 'leave_message' | 'book' | 'my_authority';
export const CENTRE_PATHS: Readonly<Record<CentreWay, string>> = {
  leave_message: '/centre/inquiries?new',
  book: '/centre/appointments?new',
  my_authority: '/centre/authority',
};
/** 个人中心 itself. */
export const CENTRE_HOME = '/centre';
export const isCentreWay = (way: WayOut): way is CentreWay => way in CENTRE_PATHS;

export interface Notice {
  readonly tone: Tone;
  readonly title: string;
  readonly detail?: string;
  readonly ways: readonly WayOut[];
}

/** The two sides of a service; everybody on the bureau's side reads the agent's sentences. */
export type Side = 'taxpayer' | 'agent';
export const sideOf = (role: Role): Side => (role === 'taxpayer' ? 'taxpayer' : 'agent');

const notice = (tone: Tone, title: string, detail: string | undefined, ...ways: WayOut[]): Notice => ({
  tone,
  title,
  detail,
  ways,
});

// Remote assistance: how it ended

const ASSISTANCE_ENDED: Readonly<Record<Side, Readonly<Record<EndReason, Notice>>>> = {
  taxpayer: {
    hung_up: notice('info', '税务人员已结束远程协助', '屏幕共享已停止，您可以继续文字互动。', 'dismiss'),
    cancelled: notice('info', '已取消远程协助申请', undefined, 'dismiss'),
    declined: notice('warning', '税务人员暂时无法进行远程协助', '您可以先用文字说明问题，稍后再次申请。', 'request_assistance', 'dismiss'),
    ring_timeout: notice('warning', '税务人员暂未应答', '申请已自动取消，您可以再次申请，或先用文字说明问题。', 'request_assistance', 'dismiss'),
    member_left: notice('warning', '税务人员已离开，远程协助结束', '屏幕共享已停止。您可以选择其他税务人员。', 'list_agents', 'dismiss'),
    network_lost: notice('danger', '网络中断，远程协助已结束', '屏幕共享已停止。请检查网络后再次申请。', 'request_assistance', 'dismiss'),
    interaction_closed: notice('info', '互动已结束，远程协助同时结束', '屏幕共享已停止。', 'dismiss'),
    server_stopping: notice('warning', '服务正在维护，远程协助已结束', '请稍后再次申请。', 'dismiss'),
  },
  agent: {
    hung_up: notice('info', '纳税人已结束远程协助', undefined, 'dismiss'),
    cancelled: notice('info', '纳税人已取消远程协助申请', undefined, 'dismiss'),
    declined: notice('info', '已拒绝远程协助申请', '可用文字说明原因，或请纳税人稍后再次申请。', 'dismiss'),
    ring_timeout: notice('warning', '远程协助申请超时未应答', '请用文字联系纳税人，请其再次申请。', 'dismiss'),
    member_left: notice('warning', '纳税人已离开，远程协助结束', '纳税人返回后可再次申请。', 'dismiss'),
    network_lost: notice('danger', '网络中断，远程协助已结束', '请检查网络，并请纳税人再次申请。', 'dismiss'),
    interaction_closed: notice('info', '互动已结束，远程协助同时结束', undefined, 'dismiss'),
    server_stopping: notice('warning', '服务正在维护，远程协助已结束', '请稍后请纳税人再次申请。', 'dismiss'),
  },
};

// Remote assistance: why nothing is shared

const ASSISTANCE_PROBLEMS: Readonly<Record<Side, Readonly<Record<DeviceProblem, Notice>>>> = {
  taxpayer: {
    picker_cancelled: notice('info', '您还没有选择要分享的内容', '可选择整个屏幕、某个窗口或浏览器标签页。', 'share_screen', 'hang_up_assistance'),
    permission_denied: notice('warning', '浏览器或系统未允许分享屏幕', '请点击地址栏左侧的图标，将屏幕共享设为“允许”；苹果电脑还需在“系统设置－隐私与安全性－录屏”中允许浏览器。', 'share_screen', 'hang_up_assistance'),
    capture_ended: notice('warning', '屏幕共享已停止', '税务人员现在看不到您的画面，您可以重新选择要分享的内容。', 'share_screen', 'hang_up_assistance'),
    device_missing: notice('warning', '没有可以分享的屏幕或窗口', '请打开要分享的窗口后重试。', 'share_screen', 'hang_up_assistance'),
    device_busy: notice('warning', '无法读取所选内容', '该窗口可能已关闭，或被其他程序占用，请重新选择。', 'share_screen', 'hang_up_assistance'),
    unsupported: notice('warning', '当前设备不支持分享屏幕', '请改用电脑浏览器；也可以申请音视频，用摄像头对准屏幕展示。', 'ask_call', 'hang_up_assistance'),
  },
  agent: {
    picker_cancelled: notice('info', '纳税人尚未选择要分享的内容', '可用文字提示：点击【分享屏幕】，选择整个屏幕后确认。'),
    permission_denied: notice('warning', '纳税人的浏览器未允许分享屏幕', '可用文字提示：点击地址栏左侧的图标，将屏幕共享设为“允许”。'),
    capture_ended: notice('warning', '纳税人已停止分享屏幕', '正在等待纳税人重新选择要分享的内容。'),
    device_missing: notice('warning', '纳税人没有可以分享的屏幕或窗口', '可请纳税人打开相关页面后重试。'),
    device_busy: notice('warning', '纳税人所选内容无法读取', '可请纳税人重新选择。'),
    unsupported: notice('warning', '纳税人的设备不支持分享屏幕', '可改为发起音视频，请纳税人用摄像头展示。', 'start_call'),
  },
};

// Audio and video: how it ended

const CALL_ENDED: Readonly<Record<Side, Readonly<Record<EndReason, Notice>>>> = {
  taxpayer: {
    hung_up: notice('info', '税务人员已结束音视频互动', '您可以继续文字互动。', 'dismiss'),
    cancelled: notice('info', '税务人员已取消音视频互动', '您可以继续文字互动。', 'dismiss'),
    declined: notice('warning', '税务人员暂时无法进行音视频互动', '您可以先用文字说明问题，稍后再次申请。', 'ask_call', 'dismiss'),
    ring_timeout: notice('warning', '音视频邀请超时未接听', '如仍需要，您可以再次向税务人员申请。', 'ask_call', 'dismiss'),
    member_left: notice('warning', '税务人员已离开，音视频互动结束', '您可以选择其他税务人员。', 'list_agents', 'dismiss'),
    network_lost: notice('danger', '网络中断，音视频互动已结束', '请检查网络后再次申请。', 'ask_call', 'dismiss'),
    interaction_closed: notice('info', '互动已结束，音视频互动同时结束', undefined, 'dismiss'),
    server_stopping: notice('warning', '服务正在维护，音视频互动已结束', '请稍后再次申请。', 'dismiss'),
  },
  agent: {
    hung_up: notice('info', '纳税人已结束音视频互动', undefined, 'dismiss'),
    cancelled: notice('info', '音视频互动已取消', undefined, 'dismiss'),
    declined: notice('warning', '纳税人已拒绝音视频互动', '可用文字说明后再次发起。', 'start_call', 'dismiss'),
    ring_timeout: notice('warning', '纳税人未接听', '可用文字提醒纳税人，再次发起。', 'start_call', 'dismiss'),
    member_left: notice('warning', '纳税人已离开，音视频互动结束', '纳税人返回后可再次发起。', 'dismiss'),
    network_lost: notice('danger', '网络中断，音视频互动已结束', '请检查网络后再次发起。', 'start_call', 'dismiss'),
    interaction_closed: notice('info', '互动已结束，音视频互动同时结束', undefined, 'dismiss'),
    server_stopping: notice('warning', '服务正在维护，音视频互动已结束', '请稍后再次发起。', 'dismiss'),
  },
};

// Audio and video: why somebody cannot be heard or seen

const OWN_DEVICE: Readonly<Record<DeviceProblem, Notice>> = {
  permission_denied: notice('warning', '浏览器未允许使用麦克风和摄像头', '请点击地址栏左侧的图标，将麦克风和摄像头设为“允许”，然后重试。', 'retry_devices', 'hang_up_call'),
  picker_cancelled: notice('warning', '尚未选择麦克风或摄像头', undefined, 'retry_devices', 'hang_up_call'),
  device_missing: notice('warning', '未检测到麦克风', '请接入麦克风或耳机后重试；您仍能听到和看到对方，并可用文字互动。', 'retry_devices', 'hang_up_call'),
  device_busy: notice('warning', '麦克风或摄像头被其他程序占用', '请关闭正在使用它的程序后重试。', 'retry_devices', 'hang_up_call'),
  capture_ended: notice('warning', '麦克风或摄像头已断开', '请重新接好设备后重试。', 'retry_devices', 'hang_up_call'),
  unsupported: notice('warning', '当前浏览器不支持音视频', '请使用新版 Chrome、Edge 或 Safari，并通过 https 地址访问；您可以继续文字互动。', 'hang_up_call'),
};

const OWN_CAMERA: Readonly<Record<DeviceProblem, string>> = {
  permission_denied: '摄像头未获允许，对方只能听到您的声音',
  picker_cancelled: '未选择摄像头，对方只能听到您的声音',
  device_missing: '未检测到摄像头，对方只能听到您的声音',
  device_busy: '摄像头被其他程序占用，对方只能听到您的声音',
  capture_ended: '摄像头已断开，对方只能听到您的声音',
  unsupported: '当前浏览器无法使用摄像头，对方只能听到您的声音',
};

const OTHER_DEVICE: Readonly<Record<DeviceProblem, string>> = {
  permission_denied: '对方尚未允许使用麦克风和摄像头',
  picker_cancelled: '对方尚未选择麦克风和摄像头',
  device_missing: '对方没有可用的麦克风',
  device_busy: '对方的麦克风或摄像头被占用',
  capture_ended: '对方的麦克风或摄像头已断开',
  unsupported: '对方的浏览器不支持音视频',
};

const DICTATION_PROBLEMS: Readonly<Record<DeviceProblem, string>> = {
  permission_denied: '浏览器未允许使用麦克风，请点击地址栏左侧的图标，将麦克风设为“允许”后重试，或直接打字。',
  picker_cancelled: '尚未选择麦克风，请重试，或直接打字。',
  device_missing: '未检测到麦克风，请接入麦克风或耳机后重试，或直接打字。',
  device_busy: '麦克风被其他程序占用，请关闭正在使用它的程序后重试，或直接打字。',
  capture_ended: '麦克风已断开，已识别的文字已保留，请重新接好后继续，或直接打字。',
  unsupported: '当前浏览器不支持语音输入，请使用新版浏览器并通过 https 地址访问，或直接打字。',
};
/** Why nothing can be dictated. */
export const dictationProblem = (problem: DeviceProblem): string => DICTATION_PROBLEMS[problem];

export const ownCameraProblem = (problem: DeviceProblem): string => OWN_CAMERA[problem];
export const otherDeviceProblem = (problem: DeviceProblem): string => OTHER_DEVICE[problem];
export const ownDeviceNotice = (problem: DeviceProblem): Notice => OWN_DEVICE[problem];

/** What to say when an assistance is over; null when one ended it oneself. */
export function assistanceEnded(side: Side, view: AssistanceView, myId: string): Notice | null {
  if (view.phase !== 'ended' || view.end_reason === null) return null;
  if (view.ended_by === myId && (view.end_reason === 'hung_up' || view.end_reason === 'cancelled' || view.end_reason === 'declined')) return null;
  return ASSISTANCE_ENDED[side][view.end_reason];
}

export function assistanceProblem(side: Side, view: AssistanceView): Notice | null {
  return view.phase === 'accepted' && view.problem !== null ? ASSISTANCE_PROBLEMS[side][view.problem] : null;
}

export function callEnded(side: Side, view: CallView, myId: string): Notice | null {
  if (view.phase !== 'ended' || view.end_reason === null) return null;
  if (view.ended_by === myId && (view.end_reason === 'hung_up' || view.end_reason === 'cancelled' || view.end_reason === 'declined')) return null;
  return CALL_ENDED[side][view.end_reason];
}

/** A phone: there is no screen to pick, before anything was asked of the agent. */
export const SCREEN_UNSUPPORTED: Notice = notice(
  'info',
  '手机浏览器不支持分享屏幕',
  '您可以申请音视频，用摄像头展示；或改用电脑打开本页面，再点击【远程协助】。',
  'ask_call',
  'dismiss',
);

export const AUDIO_BLOCKED: Notice = notice('warning', '浏览器暂未播放声音', '点击下方按钮即可听到对方。', 'unblock_audio');

// The connection itself

const CLOSED_WAYS: Partial<Record<ErrorCode, readonly WayOut[]>> = {
  signed_in_elsewhere: ['continue_here'],
  version_unsupported: ['reload'],
};

/** The page is no longer connected and does not try again by itself. */
export function closedNotice(reason: WireError): Notice {
  return { tone: 'warning', title: reason.message, ways: CLOSED_WAYS[reason.code] ?? ['sign_in'] };
}

export function connectionNotice(status: ConnectionStatus): Notice | null {
  switch (status.state) {
    case 'idle':
    case 'online':
      return null;
    case 'connecting':
      return notice('info', '正在连接…', undefined);
    case 'reconnecting':
      return notice('warning', status.reason?.message ?? '网络连接已断开，正在自动重新连接…', undefined);
    case 'closed':
      return status.reason === null ? null : closedNotice(status.reason);
  }
}

/** As `tel:` address (RFC 3966), for devices that can dial. */
export const HOTLINE = 'tel:12366';

// Requests that were refused

const FAILURE_WAYS: Partial<Record<FailureCode, readonly WayOut[]>> = {
  agent_offline: ['list_agents', 'dismiss'],
  agent_busy: ['list_agents', 'dismiss'],
  interaction_closed: ['list_agents', 'dismiss'],
  not_found: ['list_agents', 'dismiss'],
  version_unsupported: ['reload'],
  unknown_message: ['reload', 'dismiss'],
  call_start_not_allowed: ['ask_call', 'dismiss'],
  queue_closed: ['leave_message', 'book', 'call_hotline', 'dismiss'],
  queue_no_agent: ['leave_message', 'book', 'call_hotline', 'dismiss'],
  queue_no_centre: ['my_authority', 'call_hotline', 'dismiss'],
};

const TAXPAYER_WAYS: ReadonlySet<WayOut> = new Set(['list_agents', 'ask_call', 'leave_message', 'book', 'my_authority']);

const LOCAL_FAILURES: Readonly<Record<'offline' | 'timeout' | 'cancelled', string>> = {
  offline: '网络连接已断开，恢复后请重试。',
  timeout: '服务暂时没有回应，请稍后重试。',
  cancelled: '已取消。',
};

export function failureText(error: unknown): string {
  if (!(error instanceof RequestError)) return '操作没有完成，请重试。';
  const local = error.code === 'offline' || error.code === 'timeout' || error.code === 'cancelled' ? LOCAL_FAILURES[error.code] : '';
  return local || error.message || '操作没有完成，请重试。';
}

export function failureNotice(error: unknown, side: Side): Notice {
  if (!(error instanceof RequestError)) return notice('danger', failureText(error), undefined, 'dismiss');
  const title = failureText(error);
  const ways = FAILURE_WAYS[error.code] ?? ['dismiss'];
  // Choosing another agent and asking for a call are the taxpayer's ways out.
  const own = side === 'taxpayer' ? ways : ways.filter((way) => !TAXPAYER_WAYS.has(way));
  return { tone: 'warning', title, ways: own };
}

// How a conversation ended

const CLOSED: Readonly<Record<Side, Readonly<Record<CloseReason, string>>>> = {
  taxpayer: {
    taxpayer_ended: '您已结束本次会话',
    agent_ended: '税务人员已结束本次会话',
    window_closed: '您主动结束会话',
    silence: '长时间没有新消息，会话已自动结束',
    abandoned: '您离开时间较长，会话已自动结束',
    queue_left: '您已离开排队，会话已结束',
    server_stopping: '服务正在维护，会话已结束',
    failed: '会话出现故障，已经结束，请重新联系人工',
  },
  agent: {
    taxpayer_ended: '纳税人已结束本次会话',
    agent_ended: '本次会话已结束',
    window_closed: '纳税人关闭窗口，主动结束会话',
    silence: '长时间没有新消息，会话已自动结束',
    abandoned: '纳税人已离开，会话已自动结束',
    queue_left: '纳税人已离开排队，会话已结束',
    server_stopping: '服务正在维护，会话已结束',
    failed: '会话出现故障，已经结束',
  },
};

export const closedText = (side: Side, reason: CloseReason | null): string =>
  reason === null ? '本次互动已结束' : CLOSED[side][reason];

// A transfer, step by step

export const CONFIRMATION_PHASES: Readonly<Record<ConfirmationPhase, string>> = {
  sent: '待填写',
  saved: '已保存，待确认',
  confirmed: '已确认，待审核',
  supplement: '需要补正',
  passed_on: '省内经办中',
  done: '已办结',
  refused: '不予办理',
  withdrawn: '已撤回',
  lapsed: '会话结束时未确认，已失效',
};

export const CONFIRMATION_ACTIONS: Readonly<Record<ConfirmationAction, string>> = {
  send: '发送确认单',
  save: '保存',
  confirm: '确认',
  withdraw: '撤回',
  complete: '办结',
  pass_on: '转省内经办',
  supplement: '要求补正',
  refuse: '不予办理',
  lapse: '会话结束，确认单失效',
};

export function transferText(side: Side, { phase, target }: TransferView): string {
  const whom = /^[A-Za-z0-9-]+$/.test(target) ? `税务人员 ${target}` : target;
  switch (phase) {
    case 'offered':
      return side === 'taxpayer' ? `正在为您转接至${whom}，请稍候` : `正在转接至${whom}，等待对方接受`;
    case 'accepted':
      return side === 'taxpayer' ? `已为您转接至${whom}` : `已转接至${whom}`;
    case 'declined':
      return side === 'taxpayer' ? '转接未成功，当前税务人员继续为您服务' : `${whom}未接受转接，请继续接待`;
    case 'timed_out':
      return side === 'taxpayer' ? '转接未成功，当前税务人员继续为您服务' : `${whom}未应答，转接已取消，请继续接待`;
    case 'cancelled':
      return '转接已取消';
  }
}

export const STATUS_LABELS: Readonly<Record<AgentStatus, string>> = {
  free: '空闲',
  busy: '忙碌',
  away: '离开',
  after_work: '整理中',
  offline: '离线',
};

// The plain course of things, for the state lines

export const ASSISTANCE_STATES: Readonly<Record<Side, Readonly<Record<AssistanceView['phase'], string>>>> = {
  taxpayer: {
    idle: '未开始',
    requested: '正在等待税务人员接受…',
    accepted: '税务人员已接受，请分享屏幕',
    sharing: '正在共享屏幕',
    paused: '已暂停共享',
    ended: '远程协助已结束',
  },
  agent: {
    idle: '未开始',
    requested: '纳税人申请远程协助',
    accepted: '正在等待纳税人分享屏幕…',
    sharing: '正在观看纳税人屏幕',
    paused: '纳税人已暂停共享',
    ended: '远程协助已结束',
  },
};

export const CALL_STATES: Readonly<Record<Side, Readonly<Record<CallView['phase'], string>>>> = {
  taxpayer: {
    idle: '未开始',
    asked: '已申请，请等待税务人员发起',
    ringing: '税务人员邀请您音视频互动',
    connecting: '正在接通…',
    active: '音视频互动中',
    ended: '音视频互动已结束',
  },
  agent: {
    idle: '未开始',
    asked: '纳税人申请音视频互动',
    ringing: '正在等待纳税人接听…',
    connecting: '正在接通…',
    active: '音视频互动中',
    ended: '音视频互动已结束',
  },
};

export const PRIVACY_POINTS: readonly string[] = [
  '为保障您的权益，税务人员只能观看，无法操作您的桌面。',
  '共享时请注意保护个人隐私信息，如密码、验证码、银行账号和私人聊天内容。',
  '您可以随时暂停共享、更换共享内容或挂断。',
];

export const QUALITY_LABELS: readonly string[] = ['连接中断', '网络较差', '网络一般', '网络良好', '网络优秀'];

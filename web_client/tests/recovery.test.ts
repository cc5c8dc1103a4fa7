import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LinkRecovery, RECOVERY_TIMES as TIMES } from '@/session/recovery';

function link() {
  const actions = {
    restartIce: vi.fn(() => Promise.resolve()),
    rebuild: vi.fn(() => Promise.resolve()),
    onState: vi.fn(),
  };
  const recovery = new LinkRecovery(actions);
  return { actions, recovery };
}

function connected() {
  const made = link();
  made.recovery.onConnectionState('new');
  made.recovery.onConnectionState('connected');
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a server that was started again', () => {
  it('knows nothing of the connection: a new one is made at once', async () => {
    const { actions, recovery } = connected();
    recovery.setOnline(false);
    recovery.setOnline(true);
    recovery.onServerForgot();
    await vi.advanceTimersByTimeAsync(0);
    expect(actions.restartIce).not.toHaveBeenCalled();
    expect(actions.rebuild).toHaveBeenCalledOnce();
  });

  it('is not asked for what nobody wants', async () => {
    const { actions, recovery } = link();
    recovery.onServerForgot();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.rebuild).not.toHaveBeenCalled();
  });
});

describe('a connection that wavers', () => {
  it('is left alone when it heals by itself', async () => {
    const { actions, recovery } = connected();
    recovery.onConnectionState('disconnected');
    expect(recovery.state).toBe('recovering');
    await vi.advanceTimersByTimeAsync(TIMES.disconnectedMs - 1);
    recovery.onConnectionState('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.restartIce).not.toHaveBeenCalled();
    expect(recovery.state).toBe('connected');
  });

  it('gets an ICE restart when it does not', async () => {
    const { actions, recovery } = connected();
    recovery.onConnectionState('disconnected');
    await vi.advanceTimersByTimeAsync(TIMES.disconnectedMs);
    expect(actions.restartIce).toHaveBeenCalledOnce();
    recovery.onConnectionState('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.rebuild).not.toHaveBeenCalled();
  });

  it('is made anew when the restart does not help, and again until it does', async () => {
    const { actions, recovery } = connected();
    recovery.onConnectionState('failed');
    expect(actions.restartIce).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(TIMES.restartMs);
    expect(actions.rebuild).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(TIMES.rebuildMs);
    expect(actions.rebuild).toHaveBeenCalledTimes(2);
    recovery.onConnectionState('new');
    recovery.onConnectionState('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.rebuild).toHaveBeenCalledTimes(2);
    expect(recovery.state).toBe('connected');
  });

  it('is made anew soon when the server refuses the restart', async () => {
    const { actions, recovery } = connected();
    actions.restartIce.mockRejectedValueOnce(new Error('wrong_state'));
    recovery.onConnectionState('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(actions.rebuild).toHaveBeenCalledOnce();
  });
});

describe('what others notice', () => {
  it('a transport the server sees as failed is restarted though the browser is content', () => {
    const { actions, recovery } = connected();
    recovery.onServerFailed();
    expect(actions.restartIce).toHaveBeenCalledOnce();
    recovery.onServerFailed();
    expect(actions.restartIce).toHaveBeenCalledOnce();
  });

  it('a changed network is not waited out', () => {
    const { actions, recovery } = connected();
    recovery.onNetworkChanged();
    expect(actions.restartIce).toHaveBeenCalledOnce();
  });
});

describe('without signalling', () => {
  it('the step waits, and is made once requests can be sent', async () => {
    const { actions, recovery } = connected();
    recovery.setOnline(false);
    recovery.onConnectionState('failed');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(actions.restartIce).not.toHaveBeenCalled();
    recovery.setOnline(true);
    expect(actions.restartIce).toHaveBeenCalledOnce();
  });

  it('a server that forgot the connection is not asked to restart it', async () => {
    const { actions, recovery } = connected();
    recovery.setOnline(false);
    recovery.onConnectionState('failed');
    recovery.onServerForgot();
    recovery.setOnline(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(actions.restartIce).not.toHaveBeenCalled();
    expect(actions.rebuild).toHaveBeenCalledOnce();
  });

  it('nothing is owed when the media came back first', () => {
    const { actions, recovery } = connected();
    recovery.setOnline(false);
    recovery.onConnectionState('failed');
    recovery.onConnectionState('connected');
    recovery.setOnline(true);
    expect(actions.restartIce).not.toHaveBeenCalled();
  });
});

describe('the first connect', () => {
  it('is made anew when it takes too long', async () => {
    const { actions, recovery } = link();
    recovery.onConnectionState('new');
    recovery.onConnectionState('connecting');
    expect(recovery.state).toBe('connecting');
    await vi.advanceTimersByTimeAsync(TIMES.connectMs);
    expect(actions.rebuild).toHaveBeenCalledOnce();
  });

  it('ends with the connection: closed on purpose, nothing is tried', async () => {
    const { actions, recovery } = link();
    recovery.onConnectionState('new');
    recovery.onConnectionState(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.rebuild).not.toHaveBeenCalled();
    expect(recovery.state).toBe('off');
  });
});

describe('a connection over which nothing comes', () => {
  it('gets an ICE restart before the browser has noticed, and is whole when something comes', async () => {
    const { actions, recovery } = connected();
    recovery.onSilent();
    await vi.advanceTimersByTimeAsync(0);
    expect(actions.restartIce).toHaveBeenCalledOnce();
    expect(recovery.state).toBe('recovering');
    recovery.onHeard();
    expect(recovery.state).toBe('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(actions.rebuild).not.toHaveBeenCalled();
  });

  it('is made anew when nothing comes after the restart either', async () => {
    const { actions, recovery } = connected();
    recovery.onSilent();
    await vi.advanceTimersByTimeAsync(TIMES.restartMs);
    expect(actions.rebuild).toHaveBeenCalledOnce();
  });

  it('is whole only when the browser says so, once it has said that it is not', async () => {
    const { recovery } = connected();
    recovery.onSilent();
    await vi.advanceTimersByTimeAsync(0);
    recovery.onConnectionState('disconnected');
    recovery.onHeard();
    expect(recovery.state).toBe('recovering');
    recovery.onConnectionState('connected');
    expect(recovery.state).toBe('connected');
  });
});

describe('a restart without need', () => {
  it('does not hold up the next one', async () => {
    const { actions, recovery } = connected();
    recovery.onNetworkChanged();
    await vi.advanceTimersByTimeAsync(0);
    recovery.onConnectionState('disconnected');
    await vi.advanceTimersByTimeAsync(TIMES.disconnectedMs);
    expect(actions.restartIce).toHaveBeenCalledTimes(2);
  });
});

describe('a restart that is lost with the line', () => {
  it('is tried again when the line is back, before a new connection is made', async () => {
    const { actions, recovery } = connected();
    let lose = (): void => undefined;
    actions.restartIce.mockImplementationOnce(() => new Promise((_, reject) => (lose = () => reject(new Error('lost')))));
    recovery.onSilent();
    recovery.setOnline(false);
    lose();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(actions.rebuild).not.toHaveBeenCalled();
    recovery.setOnline(true);
    expect(actions.restartIce).toHaveBeenCalledTimes(2);
    expect(actions.rebuild).not.toHaveBeenCalled();
  });
});

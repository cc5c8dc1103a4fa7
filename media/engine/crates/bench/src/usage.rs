//! CPU time and memory as the kernel accounts them.

use std::time::Duration;

/// CPU time of the calling thread, user and system.
pub fn thread_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a live timespec.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "CLOCK_THREAD_CPUTIME_ID");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of the threads of this process whose name starts with `prefix`.
pub fn named_threads_cpu(prefix: &str) -> Duration {
    let mut total = 0;
    for entry in std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name));
        if read("comm").is_ok_and(|comm| comm.starts_with(prefix)) {
            // First field: time on the CPU in nanoseconds (kernel, Documentation/scheduler/sched-stats).
            let stat = read("schedstat").unwrap_or_default();
            total += stat
                .split(' ')
                .next()
                .and_then(|ns| ns.parse().ok())
                .unwrap_or(0_u64);
        }
    }
    Duration::from_nanos(total)
}

/// Resident memory of this process, bytes.
pub fn resident_bytes() -> u64 {
    // SAFETY: no pointers.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or(0)
        * page
}

/// Let this process open as many files as the system allows.
pub fn raise_file_limit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is live for both calls; failure leaves the limit as it was.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

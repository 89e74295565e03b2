/* A stand-in for NVIDIA's management library, for tests. It is no copy of it: it answers what the
 * file `says` beside it says, read anew at every call.
 *
 *   count=2 total=1000 used=360 1.used=5 1.lost=1 missing=nvmlDeviceGetUUID,nvmlDeviceGetName
 *
 * A name with a number before it is that of one GPU. Names of functions stand in `missing` (as if
 * the driver had none), `unsupported` (as if the GPU could not), `denied` (as if the container could
 * not) and `hang` (as if the GPU did not answer: for as long as they stand there). Each line
 * "GPU CODE" that is added to the file `xids` is one error, told to every event set that was there
 * by then. OLD_DRIVER leaves out what drivers before R510 lack, NEW_DRIVER what leaves with CUDA 14:
 * then the symbols are really missing. */
#include "says.h"
#include <time.h>

enum {
    OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, INSUFFICIENT = 7,
    NOT_LOADED = 9, TIMED_OUT = 10, NOT_FOUND = 13, LOST = 15, RESET_REQUIRED = 16
};
enum { XID = 8, MAX_GPUS = 16 };
typedef unsigned long long u64;

static int gpu_of(const void *handle) { return (int)(size_t)handle - 1; }

static int refusal(int gpu, const char *function) {
    const struct timespec pause = {0, 10000000};
    while (listed(gpu, "hang", function)) nanosleep(&pause, NULL);
    if (listed(gpu, "missing", function)) return NOT_FOUND;
    if (listed(gpu, "unsupported", function)) return NOT_SUPPORTED;
    if (listed(gpu, "denied", function)) return NO_PERMISSION;
    if (say(-1, "forgot")) return UNINITIALIZED;
    if (say(gpu, "lost")) return LOST;
    return say(gpu, "reset_required") ? RESET_REQUIRED : OK;
}

#define REFUSE(handle) \
    do { \
        int code_ = refusal(gpu_of(handle), __func__); \
        if (code_) return code_; \
    } while (0)
#define SAID(handle, type, name) ((type)say(gpu_of(handle), name))

/* ---- the library ---- */

int nvmlInitWithFlags(unsigned flags) { (void)flags; return say(-1, "closed") ? NOT_LOADED : OK; }
int nvmlShutdown(void) { return say(-1, "forgot") ? UNINITIALIZED : OK; }
const char *nvmlErrorString(int code) {
    switch (code) {
        case UNINITIALIZED: return "Uninitialized";
        case NOT_SUPPORTED: return "Not Supported";
        case NO_PERMISSION: return "Insufficient Permissions";
        case NOT_LOADED: return "Driver Not Loaded";
        case TIMED_OUT: return "Timeout";
        case NOT_FOUND: return "Function Not Found";
        case LOST: return "GPU is lost";
        case RESET_REQUIRED: return "GPU requires reset";
        default: return "Unknown Error";
    }
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)say(-1, "count");
    return say(-1, "forgot") ? UNINITIALIZED : OK;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)(size_t)(index + 1);
    return listed((int)index, "denied", __func__) ? NO_PERMISSION : OK;
}

/* ---- what does not change ---- */

int nvmlDeviceGetName(void *handle, char *name, unsigned length) {
    REFUSE(handle);
    snprintf(name, length, "Stand-in GPU %d", gpu_of(handle));
    return OK;
}
int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned length) {
    char number[64];
    REFUSE(handle);
    long long named = text(gpu_of(handle), "uuid", number, sizeof number) ? atoll(number) : gpu_of(handle);
    snprintf(uuid, length, "GPU-00000000-0000-0000-0000-%012lld", named);
    return OK;
}
int nvmlDeviceGetTemperatureThreshold(void *handle, int kind, unsigned *celsius) {
    REFUSE(handle);
    *celsius = SAID(handle, unsigned, kind == 0 ? "shutdown" : "slowdown");
    return *celsius ? OK : NOT_SUPPORTED;
}

/* ---- what changes quickly ---- */

struct memory { u64 total, free, used; };
int nvmlDeviceGetMemoryInfo(void *handle, struct memory *memory) {
    REFUSE(handle);
    memory->total = SAID(handle, u64, "total");
    memory->used = SAID(handle, u64, "used") + SAID(handle, u64, "reserved");
    memory->free = memory->total - memory->used;
    return OK;
}
#ifndef OLD_DRIVER
struct memory_v2 { unsigned version; u64 total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory) {
    REFUSE(handle);
    if (memory->version != 0x02000028) return INVALID;
    memory->total = SAID(handle, u64, "total");
    memory->reserved = SAID(handle, u64, "reserved");
    memory->used = SAID(handle, u64, "used");
    memory->free = memory->total - memory->reserved - memory->used;
    return OK;
}
struct temperature { unsigned version; int sensor, temperature; };
int nvmlDeviceGetTemperatureV(void *handle, struct temperature *reading) {
    REFUSE(handle);
    reading->temperature = SAID(handle, int, "temp");
    return OK;
}
struct margin { unsigned version; int margin; };
int nvmlDeviceGetMarginTemperature(void *handle, struct margin *reading) {
    char value[32];
    REFUSE(handle);
    if (!text(gpu_of(handle), "margin", value, sizeof value)) return NOT_SUPPORTED;
    reading->margin = atoi(value);
    return OK;
}
int nvmlDeviceGetCurrentClocksEventReasons(void *handle, u64 *reasons) {
    REFUSE(handle);
    *reasons = SAID(handle, u64, "clocks");
    return OK;
}
struct field { unsigned id, scope; long long timestamp, latency; unsigned type; int result; u64 value; };
int nvmlDeviceGetFieldValues(void *handle, int count, struct field *fields) {
    char value[32];
    REFUSE(handle);
    for (int at = 0; at < count; at++) {
        int known = fields[at].id == 230 && text(gpu_of(handle), "action", value, sizeof value);
        fields[at].result = known ? OK : NOT_SUPPORTED;
        fields[at].value = known ? (u64)atoll(value) : 0;
    }
    return OK;
}
#endif
#ifndef NEW_DRIVER
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius) {
    (void)sensor;
    REFUSE(handle);
    *celsius = SAID(handle, unsigned, "temp");
    return OK;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, u64 *reasons) {
    REFUSE(handle);
    *reasons = SAID(handle, u64, "clocks");
    return OK;
}
#endif
struct rates { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(void *handle, struct rates *rates) {
    REFUSE(handle);
    rates->gpu = SAID(handle, unsigned, "util");
    rates->memory = SAID(handle, unsigned, "memory_util");
    return OK;
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) {
    REFUSE(handle);
    *milliwatts = SAID(handle, unsigned, "power");
    return OK;
}
int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *milliwatts) {
    REFUSE(handle);
    *milliwatts = SAID(handle, unsigned, "power_limit");
    return OK;
}

/* ---- what changes seldom ---- */

int nvmlDeviceGetTotalEccErrors(void *handle, int kind, int counter, u64 *count) {
    (void)counter;
    REFUSE(handle);
    *count = SAID(handle, u64, kind ? "ecc_uncorrected" : "ecc_corrected");
    return OK;
}
int nvmlDeviceGetRemappedRows(
    void *handle, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed
) {
    REFUSE(handle);
    *corrected = SAID(handle, unsigned, "rows_corrected");
    *uncorrected = SAID(handle, unsigned, "rows_uncorrected");
    *pending = SAID(handle, unsigned, "remap_pending");
    *failed = SAID(handle, unsigned, "remap_failed");
    return OK;
}
int nvmlDeviceGetCurrPcieLinkGeneration(void *handle, unsigned *generation) {
    REFUSE(handle);
    *generation = SAID(handle, unsigned, "pcie_generation");
    return OK;
}
int nvmlDeviceGetCurrPcieLinkWidth(void *handle, unsigned *width) {
    REFUSE(handle);
    *width = SAID(handle, unsigned, "pcie_width");
    return OK;
}
int nvmlDeviceGetPcieReplayCounter(void *handle, unsigned *replays) {
    REFUSE(handle);
    *replays = SAID(handle, unsigned, "pcie_replays");
    return OK;
}
struct process { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; };
static int processes(void *handle, unsigned *count, struct process *found) {
    unsigned room = *count;
    *count = SAID(handle, unsigned, "processes");
    if (!*count) return OK;
    if (!found || room < *count) return INSUFFICIENT;
    for (unsigned at = 0; at < *count; at++)
        /* Pids of another namespace, as drivers in containers give them. */
        found[at] = (struct process){4000000 + at, SAID(handle, u64, "used") / *count, ~0u, ~0u};
    return OK;
}
int nvmlDeviceGetComputeRunningProcesses_v2(void *handle, unsigned *count, struct process *found) {
    REFUSE(handle);
    return processes(handle, count, found);
}
#ifndef OLD_DRIVER
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process *found) {
    REFUSE(handle);
    return processes(handle, count, found);
}
#endif

/* ---- errors ---- */

struct events { long seen; int registered[MAX_GPUS]; };

/* Give the line of the file `xids` with this number; whether there is one. */
static int error_at(long number, int *gpu, int *code) {
    FILE *file = beside("xids");
    long at = -1;
    if (!file) return 0;
    while (at < number && fscanf(file, "%d %d\n", gpu, code) == 2) at++;
    fclose(file);
    return at == number;
}
int nvmlEventSetCreate(struct events **set) {
    int gpu, code = refusal(-1, __func__);
    if (code) return code;
    *set = calloc(1, sizeof **set);
    while (error_at((*set)->seen, &gpu, &code)) (*set)->seen++;
    return OK;
}
int nvmlEventSetFree(struct events *set) { free(set); return OK; }
int nvmlDeviceRegisterEvents(void *handle, u64 types, struct events *set) {
    REFUSE(handle);
    if (gpu_of(handle) < MAX_GPUS) set->registered[gpu_of(handle)] = types & XID ? 1 : 0;
    return OK;
}
struct event { void *device; u64 type, data; unsigned gpu_instance, compute_instance; };
int nvmlEventSetWait_v2(struct events *set, struct event *event, unsigned timeout_ms) {
    const struct timespec pause = {0, 5000000};
    int gpu, code, refused = refusal(-1, __func__);
    if (refused) return refused;
    for (unsigned waited_ms = 0;; waited_ms += 5) {
        while (error_at(set->seen, &gpu, &code)) {
            set->seen++;
            if (gpu < 0 || gpu >= MAX_GPUS || !set->registered[gpu]) continue;
            *event = (struct event){(void *)(size_t)(gpu + 1), XID, (u64)code, ~0u, ~0u};
            return OK;
        }
        if (waited_ms >= timeout_ms) return TIMED_OUT;
        nanosleep(&pause, NULL);
    }
}

/* A stand-in for NVIDIA's management library: says what the file NVML_STAND_IN says, such as
 * "count=1 total=1000 used=360 util=75 lost=1", read anew on every call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_LOADED = 9, LOST = 15 };

static long long say(const char *name) {
    char content[512] = " ", key[64];
    FILE *file = fopen(getenv("NVML_STAND_IN"), "r");
    if (!file) return 0;
    content[1 + fread(content + 1, 1, sizeof content - 2, file)] = 0;
    fclose(file);
    snprintf(key, sizeof key, " %s=", name);
    char *found = strstr(content, key);
    return found ? atoll(found + strlen(key)) : 0;
}

static int refusal(void) { return say("lost") ? LOST : OK; }

int nvmlInitWithFlags(unsigned flags) { (void)flags; return say("closed") ? NOT_LOADED : OK; }
int nvmlShutdown(void) { return UNINITIALIZED; }
const char *nvmlErrorString(int code) {
    return code == LOST ? "GPU is lost" : code == NOT_SUPPORTED ? "Not Supported" : "Other";
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)say("count");
    return say("forgot") ? UNINITIALIZED : OK;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)(size_t)(index + 1);
    return OK;
}
int nvmlDeviceGetName(void *handle, char *name, unsigned length) {
    snprintf(name, length, "Stand-in GPU %zu", (size_t)handle - 1);
    return refusal();
}
struct memory { unsigned long long total, free, used; };
int nvmlDeviceGetMemoryInfo(void *handle, struct memory *memory) {
    (void)handle;
    memory->total = say("total");
    memory->used = say("used") + say("reserved");
    memory->free = memory->total - memory->used;
    return refusal();
}
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory) {
    (void)handle;
    if (memory->version != 0x02000028 || say("old")) return INVALID;
    memory->total = say("total");
    memory->reserved = say("reserved");
    memory->used = say("used");
    memory->free = memory->total - memory->reserved - memory->used;
    return refusal();
}
struct rates { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(void *handle, struct rates *rates) {
    (void)handle;
    rates->gpu = (unsigned)say("util");
    rates->memory = 0;
    return say("unsupported") ? NOT_SUPPORTED : refusal();
}
struct temperature { unsigned version; int sensor, temperature; };
int nvmlDeviceGetTemperatureV(void *handle, struct temperature *reading) {
    (void)handle;
    reading->temperature = (int)say("temp");
    return say("old") ? NOT_SUPPORTED : refusal();
}
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius) {
    (void)handle; (void)sensor;
    *celsius = (unsigned)say("temp");
    return refusal();
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) {
    (void)handle;
    *milliwatts = (unsigned)say("power");
    return refusal();
}

/* Runs a network on a Cortex-M under QEMU with semihosting: images from the file "images", logits to the console, and the
 * instructions that a run takes. With -icount shift=0 an instruction takes a nanosecond, and SysTick counts the 25 MHz
 * clock of the mps2 boards: 40 instructions a tick. */
#include "net.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
void reset(void);

static int host(int call, const void *arguments)
{
    register int r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void print(const char *text) { host(4, text); }

static void print_number(int32_t n)
{
    char text[14], *p = text + 13;
    uint32_t rest = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
    *p = 0;
    *--p = ' ';
    do
        *--p = (char)('0' + rest % 10u);
    while (rest /= 10u);
    if (n < 0)
        *--p = '-';
    print(p);
}

static int32_t arena[NET_ARENA_BYTES / 4];
static uint8_t image[NET_INPUT_BYTES];
static int32_t logits[NET_CLASSES];

#define SYSTICK ((volatile uint32_t *)0xe000e010u)

static void run(void)
{
    static const char name[] = "images";
    const uintptr_t open[3] = {(uintptr_t)name, 1, sizeof name - 1};
    const int file = host(1, open);
    uint32_t ticks = 0;
    int n = 0, i;
    SYSTICK[1] = 0xffffffu;
    SYSTICK[0] = 5;
    for (;; n++) {
        const uintptr_t read[3] = {(uintptr_t)file, (uintptr_t)image, sizeof image};
        uint32_t start;
        if (host(6, read) != 0)
            break;
        start = SYSTICK[2];
        net_run(image, logits, arena);
        ticks += (start - SYSTICK[2]) & 0xffffffu;
        for (i = 0; i < NET_CLASSES; i++)
            print_number(logits[i]);
    }
    print("\ninstructions ");
    print_number((int32_t)(ticks / (uint32_t)n * 40u));
    {
        const uintptr_t done[2] = {0x20026, 0};
        host(0x18, (const void *)done[0]);
    }
}

void reset(void)
{
    uint32_t *to = data_start;
    const uint32_t *from = data_load;
    while (to != data_end)
        *to++ = *from++;
    for (to = bss_start; to != bss_end;)
        *to++ = 0;
    run();
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {(uintptr_t)stack_top, (uintptr_t)reset};

/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/card_opencl.c -- a card behind OpenCL: XRT's driver, or any that
 * takes a binary image with these kernels. The driver learns a buffer's bank
 * from the argument it is first set for, so card_alloc sets it at once. */
#define CL_TARGET_OPENCL_VERSION 120
#include "base/file.h"
#include "emit/host/card.h"
#include "emit/host/kernels.h"
#include <CL/cl.h>
#include <stdlib.h>

struct card_buffer {
    cl_mem mem;
    struct card_buffer *next;
};

struct card {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel[2];
    struct card_buffer *buffers;
};

#define TRY_CL(err, what, rc)                                                  \
    FL_FAIL_IF((rc) != CL_SUCCESS, err, FL_IO, 0,                              \
               "OpenCL: " what " failed (%d)", (int)(rc))

static bool find_device(cl_device_id *id, struct fl_error *err)
{
    cl_platform_id platform[16];
    cl_uint n = 0;
    cl_int rc = clGetPlatformIDs(16, platform, &n);
    FL_FAIL_IF(rc != CL_SUCCESS || n == 0, err, FL_IO, 0,
               "no OpenCL platform: install XRT and source its setup.sh");
    for (cl_uint p = 0; p < n && p < 16; p++)
        if (clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ACCELERATOR, 1, id, 0) ==
            CL_SUCCESS)
            return true;
    FL_FAIL_IF(true, err, FL_IO, 0,
               "no accelerator card: `xbutil examine` shows what XRT sees");
}

static bool load(struct card *c, const char *image, int stages,
                 struct fl_error *err)
{
    cl_device_id id;
    cl_int rc, status;
    struct fl_map map;
    FL_TRY(find_device(&id, err));
    c->context = clCreateContext(0, 1, &id, 0, 0, &rc);
    TRY_CL(err, "clCreateContext", rc);
    c->queue = clCreateCommandQueue(c->context, id, 0, &rc);
    TRY_CL(err, "clCreateCommandQueue", rc);
    FL_TRY(fl_map_open(&map, image, err));
    const unsigned char *data = map.data;
    c->program = clCreateProgramWithBinary(c->context, 1, &id, &map.size, &data,
                                           &status, &rc);
    fl_map_close(&map);
    FL_FAIL_IF(rc != CL_SUCCESS, err, FL_FORMAT, 0,
               "%s: the card does not take this image (%d)", image, (int)rc);
    for (int s = 0; s < 2; s++) {
        if ((stages >> s & 1) == 0)
            continue;
        c->kernel[s] = clCreateKernel(c->program, kernel_info[s].name, &rc);
        FL_FAIL_IF(rc != CL_SUCCESS, err, FL_FORMAT, 0,
                   "%s: no kernel %s in it (%d)", image, kernel_info[s].name,
                   (int)rc);
    }
    return true;
}

struct card *card_open(const char *image, int stages, struct fl_error *err)
{
    struct card *c = calloc(1, sizeof *c);
    if (c == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    if (load(c, image, stages, err))
        return c;
    card_close(c);
    return 0;
}

void card_close(struct card *c)
{
    if (c == 0)
        return;
    for (struct card_buffer *b = c->buffers, *next; b != 0; b = next) {
        next = b->next;
        clReleaseMemObject(b->mem);
        free(b);
    }
    for (int s = 0; s < 2; s++)
        if (c->kernel[s] != 0)
            clReleaseKernel(c->kernel[s]);
    if (c->program != 0)
        clReleaseProgram(c->program);
    if (c->queue != 0)
        clReleaseCommandQueue(c->queue);
    if (c->context != 0)
        clReleaseContext(c->context);
    free(c);
}

struct card_buffer *card_alloc(struct card *c, int stage, int arg, size_t bytes,
                               struct fl_error *err)
{
    cl_int rc;
    struct card_buffer *b = calloc(1, sizeof *b);
    cl_mem mem =
        b == 0 ? 0
               : clCreateBuffer(c->context, CL_MEM_READ_WRITE, bytes, 0, &rc);
    if (mem == 0 || clSetKernelArg(c->kernel[stage], (cl_uint)arg, sizeof mem,
                                   &mem) != CL_SUCCESS) {
        fl_fail(err, FL_NOMEM, 0, "no %zu bytes on the card for %s of %s",
                bytes, kernel_info[stage].arg[arg].name,
                kernel_info[stage].name);
        if (mem != 0)
            clReleaseMemObject(mem);
        free(b);
        return 0;
    }
    b->mem = mem;
    b->next = c->buffers;
    c->buffers = b;
    return b;
}

bool card_write(struct card *c, struct card_buffer *b, const void *data,
                size_t bytes, struct fl_error *err)
{
    cl_int rc = clEnqueueWriteBuffer(c->queue, b->mem, CL_TRUE, 0, bytes, data,
                                     0, 0, 0);
    TRY_CL(err, "a write to the card", rc);
    return true;
}

bool card_read(struct card *c, struct card_buffer *b, void *data, size_t bytes,
               struct fl_error *err)
{
    cl_int rc =
        clEnqueueReadBuffer(c->queue, b->mem, CL_TRUE, 0, bytes, data, 0, 0, 0);
    TRY_CL(err, "a read from the card", rc);
    return true;
}

bool card_run(struct card *c, int stage, const struct card_arg *arg, int n,
              struct fl_error *err)
{
    cl_kernel k = c->kernel[stage];
    for (int i = 0; i < n; i++) {
        cl_uint low = (cl_uint)arg[i].value;
        cl_ulong all = arg[i].value;
        cl_int rc = arg[i].buffer != 0
                        ? clSetKernelArg(k, (cl_uint)i, sizeof(cl_mem),
                                         &arg[i].buffer->mem)
                    : arg[i].bits > 32 ? clSetKernelArg(k, (cl_uint)i, 8, &all)
                                       : clSetKernelArg(k, (cl_uint)i, 4, &low);
        FL_FAIL_IF(rc != CL_SUCCESS, err, FL_IO, 0,
                   "%s: the driver refuses argument %s (%d)",
                   kernel_info[stage].name, kernel_info[stage].arg[i].name,
                   (int)rc);
    }
    cl_int rc = clEnqueueTask(c->queue, k, 0, 0, 0);
    TRY_CL(err, "the start of a kernel", rc);
    rc = clFinish(c->queue);
    TRY_CL(err, "a kernel", rc);
    return true;
}

uint64_t card_cycles(const struct card *c)
{
    (void)c;
    return 0;
}

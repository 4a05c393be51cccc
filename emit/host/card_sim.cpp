// SPDX-License-Identifier: Apache-2.0
// emit/host/card_sim.cpp -- a card that is the kernels' own SystemVerilog in
// Verilator: registers through AXI4-Lite, memories through AXI4.
//
// Buffers lie at addresses of their own, with holes between: an access outside
// answers SLVERR. FLEXLLM_SIM_LATENCY (30) is cycles from a burst to its first
// beat, FLEXLLM_SIM_RATE (100) the percentage of cycles in which a memory is
// willing. sim_ports.h, written by flexllm build, lists the ports.
#include "Vdecode.h"
#include "Vprefill.h"
#include "emit/host/card.h"
extern "C" {
#include "emit/host/kernels.h"
}
#include "emit/host/sim_axi.h"
#include "sim_ports.h"
#include <cstdlib>
#include <functional>

namespace
{

// ---- a kernel ---------------------------------------------------------------

struct kernel {
    virtual ~kernel()
    {
    }
    virtual bool run(const struct kernel_info &k, const card_arg *arg, int n,
                     std::string &why) = 0;
};

template <class Top> struct model : kernel {
    memory &mem;
    std::unique_ptr<Top> top;
    std::vector<std::unique_ptr<port>> ports;
    std::vector<std::function<void()>> after;
    uint64_t &cycles;

    model(memory &m, uint64_t &c) : mem(m), top(new Top), cycles(c)
    {
        connect();
        top->s_axi_control_awvalid = top->s_axi_control_wvalid = 0;
        top->s_axi_control_arvalid = 0;
        top->s_axi_control_bready = top->s_axi_control_rready = 1;
        // Nobody listens in reset: registers are not yet what they will be.
        top->ap_rst_n = 0;
        for (int k = 0; k < 8; k++) {
            top->ap_clk = 0;
            top->eval();
            top->ap_clk = 1;
            top->eval();
        }
        top->ap_rst_n = 1;
        step();
    }
    void connect();
    template <class P> void add(P *p)
    {
        ports.emplace_back(p);
        after.push_back([p] { p->after(); });
    }
    void step()
    {
        for (auto &p : ports)
            p->drive();
        top->ap_clk = 0;
        top->eval();
        for (auto &p : ports)
            p->sample();
        before_edge();
        top->ap_clk = 1;
        top->eval();
        for (auto &f : after)
            f();
        mem.now++;
        cycles++;
    }
    // AXI4-Lite: what the slave answered just before the edge.
    bool w_ready = false, r_ready = false, r_valid = false;
    uint32_t r_data = 0;
    void before_edge()
    {
        w_ready = top->s_axi_control_awready && top->s_axi_control_wready;
        r_ready = top->s_axi_control_arready;
        r_valid = top->s_axi_control_rvalid;
        r_data = top->s_axi_control_rdata;
    }
    void write(int at, uint32_t value)
    {
        top->s_axi_control_awaddr = (SData)at;
        top->s_axi_control_wdata = value;
        top->s_axi_control_wstrb = 15;
        top->s_axi_control_awvalid = top->s_axi_control_wvalid = 1;
        do
            step();
        while (!w_ready);
        top->s_axi_control_awvalid = top->s_axi_control_wvalid = 0;
    }
    uint32_t read(int at)
    {
        top->s_axi_control_araddr = (SData)at;
        top->s_axi_control_arvalid = 1;
        do
            step();
        while (!r_ready);
        top->s_axi_control_arvalid = 0;
        do
            step();
        while (!r_valid);
        return r_data;
    }
    std::string stuck()
    {
        std::string text = "nothing has moved for 1,000,000 cycles; beats:";
        for (auto &p : ports)
            text += std::string(" ") + p->name + " " + std::to_string(p->moved);
        return text;
    }
    bool run(const struct kernel_info &k, const card_arg *arg, int n,
             std::string &why) override
    {
        for (int i = 0; i < n; i++) {
            uint64_t v = arg[i].buffer ? arg[i].buffer->address : arg[i].value;
            write(k.arg[i].at, (uint32_t)v);
            if (k.arg[i].bits > 32)
                write(k.arg[i].at + 4, (uint32_t)(v >> 32));
        }
        write(0, 1);
        uint64_t seen = mem.moved, since = mem.now;
        while ((read(0) & 2) == 0) {
            for (int k2 = 0; k2 < 64; k2++)
                step();
            if (mem.moved != seen) {
                seen = mem.moved;
                since = mem.now;
            } else if (mem.now - since > 1000000) {
                why = mem.fault.empty() ? stuck() : mem.fault;
                return false;
            }
        }
        if (!mem.fault.empty())
            why = mem.fault;
        return mem.fault.empty();
    }
};

#define READ(n, beat)                                                          \
    add(new read_port<                                                         \
        std::remove_reference<decltype(t.m_axi_##n##_rdata)>::type>(           \
        mem, #n, (beat) / 8, t.m_axi_##n##_araddr, t.m_axi_##n##_arlen,        \
        t.m_axi_##n##_arvalid, t.m_axi_##n##_arready, t.m_axi_##n##_rdata,     \
        t.m_axi_##n##_rresp, t.m_axi_##n##_rlast, t.m_axi_##n##_rvalid,        \
        t.m_axi_##n##_rready));
#define WRITE(n, beat)                                                         \
    add(new write_port<                                                        \
        std::remove_reference<decltype(t.m_axi_##n##_wdata)>::type,            \
        std::remove_reference<decltype(t.m_axi_##n##_wstrb)>::type>(           \
        mem, #n, (beat) / 8, t.m_axi_##n##_awaddr, t.m_axi_##n##_awlen,        \
        t.m_axi_##n##_awvalid, t.m_axi_##n##_awready, t.m_axi_##n##_wdata,     \
        t.m_axi_##n##_wstrb, t.m_axi_##n##_wlast, t.m_axi_##n##_wvalid,        \
        t.m_axi_##n##_wready, t.m_axi_##n##_bresp, t.m_axi_##n##_bvalid,       \
        t.m_axi_##n##_bready));

template <> void model<Vprefill>::connect()
{
    Vprefill &t = *top;
    PREFILL_PORTS(READ, WRITE)
}

template <> void model<Vdecode>::connect()
{
    Vdecode &t = *top;
    DECODE_PORTS(READ, WRITE)
}

int setting(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

} // namespace

struct card {
    memory mem;
    uint64_t cycles = 0;
    std::unique_ptr<kernel> kernels[2];
};

extern "C" {

card *card_open(const char *, int stages, fl_error *err)
{
    card *c = new card;
    c->mem.latency = setting("FLEXLLM_SIM_LATENCY", 30);
    c->mem.rate = setting("FLEXLLM_SIM_RATE", 100);
    if (c->mem.rate < 1 || c->mem.rate > 100 || c->mem.latency < 0) {
        fl_fail(err, FL_RANGE, 0,
                "FLEXLLM_SIM_RATE is 1 to 100, FLEXLLM_SIM_LATENCY 0 or more");
        delete c;
        return nullptr;
    }
    Verilated::randReset(2);
    if (stages & 1)
        c->kernels[0].reset(new model<Vprefill>(c->mem, c->cycles));
    if (stages & 2)
        c->kernels[1].reset(new model<Vdecode>(c->mem, c->cycles));
    return c;
}

void card_close(card *c)
{
    delete c;
}

card_buffer *card_alloc(card *c, int, int, size_t bytes, fl_error *)
{
    std::unique_ptr<card_buffer> b(new card_buffer);
    card_buffer *p = b.get();
    b->address = c->mem.next;
    b->bytes.assign(bytes, 0xA5); // nobody may count on zeros
    c->mem.next += (bytes + 0xFFFFF) / 0x100000 * 0x100000 + 0x100000;
    c->mem.buffers[b->address] = std::move(b);
    return p;
}

bool card_write(card *, card_buffer *b, const void *data, size_t bytes,
                fl_error *err)
{
    FL_FAIL_IF(bytes > b->bytes.size(), err, FL_RANGE, 0,
               "a write past the end of a buffer");
    memcpy(b->bytes.data(), data, bytes);
    return true;
}

bool card_read(card *, card_buffer *b, void *data, size_t bytes, fl_error *err)
{
    FL_FAIL_IF(bytes > b->bytes.size(), err, FL_RANGE, 0,
               "a read past the end of a buffer");
    memcpy(data, b->bytes.data(), bytes);
    return true;
}

bool card_run(card *c, int stage, const card_arg *arg, int n, fl_error *err)
{
    std::string why;
    if (c->kernels[stage]->run(kernel_info[stage], arg, n, why))
        return true;
    fl_fail(err, FL_IO, 0, "%s in simulation: %s", kernel_info[stage].name,
            why.c_str());
    return false;
}

uint64_t card_cycles(const card *c)
{
    return c->cycles;
}

} // extern "C"

/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/sim_axi.h -- C++: the memories of a simulated card, and the AXI4
 * ports of a Verilator model that reach them. Used by card_sim.cpp.
 *
 * A cycle is drive(), the model's evaluation, sample(), the clock's edge,
 * after(). Bursts are INCR, at most 16 are under way at a port; one that
 * crosses 4 KiB, a WLAST in the wrong place or an address outside every buffer
 * is a fault, and the run fails.
 */
#ifndef EMIT_HOST_SIM_AXI_H
#define EMIT_HOST_SIM_AXI_H
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct card_buffer {
    uint64_t address;
    std::vector<uint8_t> bytes;
};

struct memory {
    std::map<uint64_t, std::unique_ptr<card_buffer>> buffers; // by address
    uint64_t next = 1ull << 32;
    int latency = 30, rate = 100;
    uint64_t state = 88172645463325252ull, now = 0, moved = 0;
    std::string fault;

    bool willing()
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (int)((state >> 33) % 100) < rate;
    }
    uint8_t *at(uint64_t address, size_t n, const char *who)
    {
        auto it = buffers.upper_bound(address);
        if (it != buffers.begin()) {
            card_buffer &b = *(--it)->second;
            uint64_t offset = address - b.address;
            if (offset <= b.bytes.size() && n <= b.bytes.size() - offset)
                return b.bytes.data() + offset;
        }
        if (fault.empty()) {
            char text[96];
            snprintf(text, sizeof text, "%s: address 0x%llx is no buffer's",
                     who, (unsigned long long)address);
            fault = text;
        }
        return nullptr;
    }
};

template <class T> inline uint8_t *bytes_of(T &signal)
{
    return reinterpret_cast<uint8_t *>(&signal);
}
template <std::size_t N> inline uint8_t *bytes_of(VlWide<N> &signal)
{
    return reinterpret_cast<uint8_t *>(&signal[0]);
}

struct burst {
    uint64_t address, ready_at;
    unsigned left;
};

struct port {
    memory &mem;
    const char *name;
    uint64_t moved = 0; // beats
    port(memory &m, const char *n) : mem(m), name(n)
    {
    }
    virtual ~port()
    {
    }
    virtual void drive() = 0;  // inputs of this cycle
    virtual void sample() = 0; // what moves at its end
};

template <class D> struct read_port : port {
    QData &araddr;
    CData &arlen, &arvalid, &arready;
    D &rdata;
    CData &rresp, &rlast, &rvalid, &rready;
    size_t beat;
    std::deque<burst> queue;
    read_port(memory &m, const char *n, size_t beat_, QData &a, CData &l,
              CData &av, CData &ar, D &d, CData &rs, CData &la, CData &v,
              CData &r)
        : port(m, n), araddr(a), arlen(l), arvalid(av), arready(ar), rdata(d),
          rresp(rs), rlast(la), rvalid(v), rready(r), beat(beat_)
    {
        rvalid = 0;
    }
    void drive() override
    {
        arready = queue.size() < 16 && mem.willing();
        if (rvalid) // stands until it is taken
            return;
        if (queue.empty() || queue.front().ready_at > mem.now || !mem.willing())
            return;
        burst &b = queue.front();
        const uint8_t *from = mem.at(b.address, beat, name);
        memset(bytes_of(rdata), 0, sizeof rdata);
        if (from)
            memcpy(bytes_of(rdata), from, beat);
        rresp = from ? 0 : 2;
        rlast = b.left == 1;
        rvalid = 1;
    }
    void sample() override
    {
        bool took = rvalid && rready;
        if (arvalid && arready) {
            if ((araddr & 4095) + (arlen + 1u) * beat > 4096)
                mem.fault = std::string(name) + ": a burst crosses 4 KiB";
            queue.push_back(
                {araddr, mem.now + (uint64_t)mem.latency, arlen + 1u});
        }
        if (took) {
            mem.moved++;
            moved++;
            queue.front().address += beat;
            if (--queue.front().left == 0)
                queue.pop_front();
            taken = true;
        }
    }
    bool taken = false;
    void after()
    {
        if (taken)
            rvalid = 0;
        taken = false;
    }
};

template <class D, class S> struct write_port : port {
    QData &awaddr;
    CData &awlen, &awvalid, &awready;
    D &wdata;
    S &wstrb;
    CData &wlast, &wvalid, &wready, &bresp, &bvalid, &bready;
    size_t beat;
    std::deque<burst> queue;
    std::deque<std::pair<uint64_t, bool>> answers;
    bool bad = false, taken = false;
    write_port(memory &m, const char *n, size_t beat_, QData &a, CData &l,
               CData &av, CData &ar, D &d, S &s, CData &la, CData &v, CData &r,
               CData &bs, CData &bv, CData &br)
        : port(m, n), awaddr(a), awlen(l), awvalid(av), awready(ar), wdata(d),
          wstrb(s), wlast(la), wvalid(v), wready(r), bresp(bs), bvalid(bv),
          bready(br), beat(beat_)
    {
        bvalid = 0;
    }
    void drive() override
    {
        awready = queue.size() < 16 && mem.willing();
        wready = !queue.empty() && mem.willing();
        if (!bvalid && !answers.empty() && answers.front().first <= mem.now) {
            bvalid = 1;
            bresp = answers.front().second ? 2 : 0;
        }
    }
    void sample() override
    {
        if (wvalid && wready) {
            burst &b = queue.front();
            uint8_t *to = mem.at(b.address, beat, name);
            for (size_t k = 0; to && k < beat; k++)
                if (bytes_of(wstrb)[k / 8] >> k % 8 & 1)
                    to[k] = bytes_of(wdata)[k];
            bad = bad || !to;
            b.address += beat;
            mem.moved++;
            moved++;
            if ((b.left == 1) != (wlast != 0))
                mem.fault = std::string(name) + ": WLAST is not on the last";
            if (--b.left == 0) {
                queue.pop_front();
                answers.push_back({mem.now + (uint64_t)mem.latency, bad});
                bad = false;
            }
        }
        if (awvalid && awready)
            queue.push_back({awaddr, 0, awlen + 1u});
        taken = bvalid && bready;
        if (taken)
            answers.pop_front();
    }
    void after()
    {
        if (taken)
            bvalid = 0;
        taken = false;
    }
};

#endif

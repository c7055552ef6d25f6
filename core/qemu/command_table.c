#include "core/qemu/command_table.h"

#include <string.h>

#include "core/base/num.h"

/* From qemu-options.hx of QEMU 7.2 and later ones. What is known to reach beyond the guest has the
 * deal COMMAND_REFUSE, so that it is known how many words it takes. */
static const struct command_row rows[] = {
    {"", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"S", COMMAND_FLAG, COMMAND_DROP, NULL},
    {"daemonize", COMMAND_FLAG, COMMAND_DROP, NULL},
    {"incoming", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"loadvm", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"pidfile", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"sandbox", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"D", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"d", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"trace", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"msg", COMMAND_VALUE, COMMAND_DROP, NULL},
    {"dump-vmstate", COMMAND_VALUE, COMMAND_DROP, NULL},

    {"nodefaults", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-user-config", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-acpi", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-hpet", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-reboot", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-shutdown", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"no-fd-bootchk", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"enable-kvm", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"mem-prealloc", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"usb", COMMAND_FLAG, COMMAND_PASS, NULL},
    {"win2k-hack", COMMAND_FLAG, COMMAND_PASS, NULL},

    {"cpu", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"uuid", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"k", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"vga", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"watchdog", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"watchdog-action", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"tb-size", COMMAND_VALUE, COMMAND_PASS, NULL},

    {"machine", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"M", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"accel", COMMAND_PARTS, COMMAND_PASS, "accel"},
    {"m", COMMAND_PARTS, COMMAND_PASS, "size"},
    {"smp", COMMAND_PARTS, COMMAND_PASS, "cpus"},
    {"numa", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"name", COMMAND_PARTS, COMMAND_PASS, "guest"},
    {"rtc", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"boot", COMMAND_PARTS, COMMAND_PASS, "order"},
    {"icount", COMMAND_PARTS, COMMAND_PASS, "shift"},
    {"action", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"overcommit", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"smbios", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"fw_cfg", COMMAND_PARTS, COMMAND_PASS, "name"},
    {"object", COMMAND_PARTS, COMMAND_PASS, "qom-type"},
    {"device", COMMAND_PARTS, COMMAND_PASS, "driver"},
    {"global", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"drive", COMMAND_PARTS, COMMAND_PASS, NULL},
    {"blockdev", COMMAND_PARTS, COMMAND_PASS, "driver"},
    {"netdev", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"nic", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"net", COMMAND_PARTS, COMMAND_PASS, "type"},
    {"chardev", COMMAND_PARTS, COMMAND_PASS, "backend"},
    {"mon", COMMAND_PARTS, COMMAND_PASS, "chardev"},
    {"vnc", COMMAND_PARTS, COMMAND_PASS, "vnc"},
    {"usbdevice", COMMAND_VALUE, COMMAND_PASS, NULL},

    {"append", COMMAND_VALUE, COMMAND_PASS, NULL},
    {"kernel", COMMAND_VALUE, COMMAND_FILE, NULL},
    {"initrd", COMMAND_VALUE, COMMAND_FILE, NULL},
    {"dtb", COMMAND_VALUE, COMMAND_FILE, NULL},
    {"bios", COMMAND_VALUE, COMMAND_FILE, NULL},
    {"cdrom", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"pflash", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"hda", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"hdb", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"hdc", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"hdd", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"fda", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"fdb", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"sd", COMMAND_VALUE, COMMAND_IMAGE, NULL},
    {"mtdblock", COMMAND_VALUE, COMMAND_IMAGE, NULL},

    {"display", COMMAND_VALUE, COMMAND_DISPLAY, NULL},
    {"nographic", COMMAND_FLAG, COMMAND_DISPLAY, NULL},
    {"curses", COMMAND_FLAG, COMMAND_DISPLAY, NULL},
    {"sdl", COMMAND_FLAG, COMMAND_DISPLAY, NULL},
    {"full-screen", COMMAND_FLAG, COMMAND_DISPLAY, NULL},
    {"serial", COMMAND_VALUE, COMMAND_LINE, NULL},
    {"parallel", COMMAND_VALUE, COMMAND_LINE, NULL},
    {"debugcon", COMMAND_VALUE, COMMAND_LINE, NULL},
    {"monitor", COMMAND_VALUE, COMMAND_MONITOR, NULL},
    {"qmp", COMMAND_VALUE, COMMAND_MONITOR, NULL},
    {"qmp-pretty", COMMAND_VALUE, COMMAND_MONITOR, NULL},
    {"audiodev", COMMAND_PARTS, COMMAND_SOUND, "driver"},
    {"audio", COMMAND_PARTS, COMMAND_SOUND, "driver"},

    {"L", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"acpitable", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"add-fd", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"chroot", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"compat", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"fsdev", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"gdb", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"mem-path", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"option-rom", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"plugin", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"qtest", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"qtest-log", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"readconfig", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"run-with", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"runas", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"s", COMMAND_FLAG, COMMAND_REFUSE, NULL},
    {"semihosting", COMMAND_FLAG, COMMAND_REFUSE, NULL},
    {"set", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"snapshot", COMMAND_FLAG, COMMAND_REFUSE, NULL},
    {"spice", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"tpmdev", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"virtfs", COMMAND_VALUE, COMMAND_REFUSE, NULL},
    {"virtfs_synth", COMMAND_FLAG, COMMAND_REFUSE, NULL},
    {"writeconfig", COMMAND_VALUE, COMMAND_REFUSE, NULL},
};

/* Of devices and of -global. */
static const char device_keys[] =
    "driver id bus addr multifunction acpi-index failover_pair_id rombar romfile:e mac netdev "
    "bootindex drive serial share-rw write-cache wwn port port_index port_wwn port_number ports "
    "slot chassis chassis_nr hotplug iommu_platform ats aer disable-legacy disable-modern packed "
    "num-queues num_queues queue-size queue_reset queues virtqueue_size mq vectors rx_queue_size "
    "tx_queue_size host_mtu speed duplex csum gso guest_csum guest_tso4 guest_tso6 guest_ecn "
    "guest_ufo guest_announce host_tso4 host_tso6 host_ecn host_ufo mrg_rxbuf status ctrl_vq "
    "ctrl_rx ctrl_vlan ctrl_rx_extra ctrl_mac_addr ctrl_guest_offloads rss hash guest_rsc_ext "
    "event_idx indirect_desc any_layout notify_on_empty page-per-vq ioeventfd iothread scsi "
    "config-wce discard write-zeroes max-discard-sectors max-write-zeroes-sectors report-* "
    "seg-max-adjust physical_block_size logical_block_size min_io_size opt_io_size "
    "discard_granularity cyls heads secs lcyls lheads lsecs bios-chs-trans rotation_rate rerror "
    "werror device_id removable unit channel scsi-id lun ver model vendor product "
    "dpofua max_unmap_size max_io_size scsi_version quirk_* cmd_per_lun max_sectors nr chardev "
    "name max_ports emergency-write max-bytes period rng edid xres yres xmax ymax vgamem_mb "
    "ram_size ram_size_mb vram_size vram_size_mb vram64_size_mb vgamem max_outputs "
    "refresh_rate_max qemu-extended-regs global-vmstate guid iobase iobase2 iosize irq irq2 index "
    "isobusname intremap caching-mode eim device-iotlb aw-bits snoop-control dma-drain "
    "masterbus firstport usb_version msos-desc p2 p3 slots streams msi msix intrs "
    "max_ioqpairs msix_qsize mdts cntlid nsid use-intel-id deflate-on-oom free-page-reporting "
    "free-page-hint page-poison memdev node size block-size requested-size memaddr cad mixer "
    "audiodev debug old_msi_addr io-reserve mem-reserve pref32-reserve pref64-reserve bus-reserve "
    "power_controller_present x-speed x-width events core-id socket-id thread-id die-id "
    "cluster-id hotpluggable check_media_rate fallback fdtypeA fdtypeB driveA driveB "
    "disable_s3 disable_s4 s4_val acpi-pci-hotplug* acpi-root-pci-hotplug lost_tick_policy "
    "base-addr kvm-type mitigation autonegotiation extra_mac_registers migrate_tso_props "
    "pcihost_* short_root_bus smm-* smm_enabled memory-hotplug-support noreboot enable_tco "
    "cpu-hotplug-legacy keep_pci_slot_hpc wheel-axis head display ctrl_guest_offloads";

static const char devices[] =
    "virtio-net-* virtio-net virtio-blk-pci* virtio-blk-device virtio-blk virtio-scsi-pci* "
    "virtio-scsi-device virtio-rng-pci* virtio-rng-device virtio-balloon-* virtio-serial-* "
    "virtio-serial virtio-keyboard-* virtio-mouse-* virtio-tablet-* virtio-multitouch-* "
    "virtio-gpu-pci virtio-gpu-device virtio-vga virtio-mem-pci virtio-iommu-pci "
    "virtserialport virtconsole e1000 e1000-* e1000e igb rtl8139 pcnet ne2k_pci i82550 i82551 "
    "i82557* i82558* i82559* i82801 vmxnet3 tulip usb-net ide-hd ide-cd ide-cf scsi-hd scsi-cd "
    "scsi-disk usb-storage floppy isa-fdc nvme nvme-ns lsi lsi53c895a lsi53c810 megasas* "
    "mptsas1068 "
    "pvscsi am53c974 dc390 ahci ich9-ahci piix3-ide piix4-ide pcie-root-port pcie-pci-bridge "
    "pci-bridge pxb pxb-pcie i82801b11-bridge ioh3420 x3130-upstream xio3130-downstream "
    "dmi-to-pci-bridge qemu-xhci nec-usb-xhci ich9-usb-* piix3-usb-uhci piix4-usb-uhci usb-ehci "
    "pci-ohci usb-tablet usb-kbd usb-mouse usb-wacom-tablet usb-hub usb-audio usb-serial "
    "usb-ccid VGA cirrus-vga qxl qxl-vga bochs-display secondary-vga vmware-svga ramfb isa-* "
    "pci-serial* vmgenid vmcoreinfo pvpanic pvpanic-pci i6300esb ib700 intel-hda ich9-intel-hda "
    "hda-duplex hda-micro hda-output AC97 ES1370 sb16 intel-iommu amd-iommu pc-dimm nvdimm "
    "*-x86_64-cpu qemu64-x86_64-cpu host-x86_64-cpu smbus-eeprom edu pci-testdev";

static const char disk_keys[] =
    "driver:b node-name filename:d format:b file:d if index bus unit media id readonly read-only "
    "snapshot:n cache cache.* aio discard detect-zeroes werror rerror copy-on-read locking "
    "auto-read-only overlap-check lazy-refcounts l2-cache* refcount-cache* cache-size "
    "cache-clean-interval pass-discard-* discard-no-unref bps* iops* throttling.* offset size "
    "prealloc* serial";

static const char block_keys[] =
    "driver:b node-name filename:d file read-only cache.* aio discard detect-zeroes locking "
    "auto-read-only overlap-check lazy-refcounts l2-cache* refcount-cache* cache-size "
    "cache-clean-interval pass-discard-* discard-no-unref offset size backing";

static const char memory_keys[] = "qom-type id size share prealloc prealloc-threads merge dump "
                                  "host-nodes policy reserve x-use-canonical-path-for-ramblock-id";

static const char user_keys[] =
    "type id mac model net:t host hostname dhcpstart dns domainname ipv4 ipv6 ipv6-net:t "
    "ipv6-host ipv6-dns ipv6-prefix ipv6-prefixlen restrict hostfwd:o dnssearch mask netdev";

static const struct command_form forms[] = {
    {"machine", NULL,
     "type accel usb vmport acpi smm hpet pic pit i8042 sata smbus nvdimm kernel-irqchip "
     "kvm-shadow-mem dump-guest-core mem-merge memory-backend memory-encryption graphics pflash0 "
     "pflash1 max-ram-below-4g suppress-vmdesc default_bus_bypass_iommu pcspk-audiodev hmat its "
     "gic-version highmem virtualization secure aes-key-wrap dea-key-wrap loadparm enforce-config* "
     "iommu igd-passthru cap-* smp.* smbios-entry-point-type fd-bootchk"},
    {"accel", NULL,
     "accel thread tb-size kernel-irqchip split-wx kvm-shadow-mem dirty-ring-size "
     "one-insn-per-tb notify-vmexit"},
    {"m", NULL, "size slots maxmem"},
    {"smp", NULL, "cpus sockets dies clusters cores threads maxcpus books drawers modules"},
    {"numa", NULL,
     "type nodeid cpus mem memdev initiator src dst val node-id socket-id die-id "
     "core-id thread-id cluster-id initiator target hierarchy data-type latency "
     "bandwidth size level associativity policy line"},
    {"name", NULL, "guest:t process:t debug-threads"},
    {"rtc", NULL, "base clock driftfix"},
    {"boot", NULL, "order once menu strict reboot-timeout splash-time"},
    {"icount", NULL, "shift align sleep"},
    {"action", NULL, "reboot shutdown panic watchdog"},
    {"overcommit", NULL, "mem-lock cpu-pm"},
    {"smbios", NULL,
     "type family:t version:t vendor:t manufacturer:t product:t serial:t uuid sku:t asset:t "
     "location:t release:t date:t uefi sock_pfx:t part:t max-speed current-speed processor-id "
     "loc_pfx:t bank:t speed value:t internal_reference:t external_reference:t connector_type "
     "port_type kind:t instance pcidev"},
    {"fw_cfg", NULL, "name:t string:t file:f"},
    {"object", "iothread", "qom-type id poll-* aio-max-batch thread-pool-*"},
    {"object", "memory-backend-ram", memory_keys},
    {"object", "memory-backend-memfd",
     "qom-type id size share prealloc prealloc-threads merge dump host-nodes policy reserve "
     "x-use-canonical-path-for-ramblock-id hugetlb hugetlbsize seal"},
    {"object", "memory-backend-file",
     "qom-type id size share prealloc prealloc-threads merge dump host-nodes policy reserve "
     "x-use-canonical-path-for-ramblock-id align discard-data mem-path:h"},
    {"object", "rng-builtin", "qom-type id"},
    {"object", "rng-random", "qom-type id filename:r"},
    {"object", "throttle-group", "qom-type id limits.* x-*"},
    {"device", devices, device_keys},
    {"global", NULL, "driver property value"},
    {"drive", NULL, disk_keys},
    {"blockdev", "file host_device raw qcow2", block_keys},
    {"netdev", "user", user_keys},
    {"netdev", "tap",
     "type id ifname vhost vhostforce queues sndbuf vnet_hdr poll-us script:n downscript:n"},
    {"netdev", "hubport", "type id hubid netdev"},
    {"netdev", "socket", "type id listen:o connect:o localaddr:o udp:o"},
    {"netdev", "stream",
     "type id server reconnect reconnect-ms addr.type addr.host:o addr.port addr.ipv4 addr.ipv6"},
    {"netdev", "dgram",
     "type id local.type local.host:o local.port local.ipv4 local.ipv6 remote.type remote.host:o "
     "remote.port remote.ipv4 remote.ipv6"},
    {"nic", "none", "type"},
    {"nic", "user", user_keys},
    {"net", "none", "type"},
    {"net", "nic", "type netdev macaddr model name addr vectors"},
    {"net", "user", user_keys},
    {"chardev", "null vc msmouse ringbuf", "backend id mux size width height cols rows"},
    {"chardev", "pty", "backend id mux"},
    {"chardev", "stdio", "backend id mux signal"},
    {"chardev", "file", "backend id mux path:l append"},
    {"chardev", "socket", "backend id mux path:s server wait telnet abstract:n"},
    {"mon", NULL, "chardev mode pretty"},
    {"vnc", NULL,
     "vnc:o password share lossy to ipv4 ipv6 power-control key-delay-ms non-adaptive"},
};

const struct command_row *command_table_row(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* Whether the word of n characters, with `*` at its end or its beginning, is that text. */
static bool matches(const char *word, size_t n, const char *text)
{
    size_t have = strlen(text);

    if (n && word[n - 1] == '*')
        return have >= n - 1 && memcmp(text, word, n - 1) == 0;
    if (n && word[0] == '*')
        return have >= n - 1 && memcmp(text + have - (n - 1), word + 1, n - 1) == 0;
    return have == n && memcmp(text, word, n) == 0;
}

/* Finds the word, up to a blank or a colon, that is that text; NULL: none is. */
static const char *find(const char *words, const char *text)
{
    while (*words) {
        size_t n = strcspn(words, ": ");
        if (n && matches(words, n, text))
            return words + n;
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    return NULL;
}

bool command_table_has(const char *words, const char *text)
{
    return find(words, text);
}

char command_table_key(const char *keys, const char *key)
{
    const char *end = find(keys, key);

    return !end ? 0 : *end == ':' ? end[1] : 'p';
}

const struct command_form *command_table_form(const char *name, const char *which)
{
    if (strcmp(name, "M") == 0)
        name = "machine";
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (strcmp(forms[i].option, name) == 0 &&
            (!forms[i].which || (which && command_table_has(forms[i].which, which))))
            return &forms[i];
    return NULL;
}

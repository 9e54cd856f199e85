"""The preset dictionary of format 0xA1/0x01: words that occur in almost every batch, the most frequent last.

Frozen. Agents and servers of different versions must share it to the byte, so it does not follow the catalogue:
a new measurement is sent without its help, and a better dictionary gets another number beside this one.
"""

DICTIONARY_ID = 0x01

DICTIONARY = (
    b"no_replyconnect_timeoutconnection_refusedconnection_resethost_unreachablenetwork_unreachableno_route"
    b"read_timeoutdns_timeoutdns_nxdomaindns_servfaildns_refuseddns_no_answerdns_failedtls_certificate_inv"
    b"alidtls_failedhttp_statushttp_invalidcaptive_portalsnmp_timeoutsnmp_authenticationsnmp_no_such_objec"
    b'tsnmp_errorpermission_deniednot_availableprobe_timeoutprobe_crashedunknown_failure["ping",{"target":'
    b'"","role":""},5,"sent:i received:i loss_ratio:4 rtt_min_seconds:5 rtt_avg_seconds:5 rtt_max_seconds:'
    b'5 method:s? failure:s?",{}],["dns",{"target":"","server":""},5,"duration_seconds:5 answers:i failure'
    b':s?",{}],["http",{"target":""},5,"status_code:i connect_seconds:5 tls_seconds:5 first_byte_seconds:5'
    b' duration_seconds:5 body_bytes:i failure:s?",{}],["interfaces",{"interface":""},5,"rx_bytes_total:i '
    b'tx_bytes_total:i rx_bytes:i tx_bytes:i interval_seconds:3 up:b counter_reset:b failure:s?",{}],["hos'
    b't",{},5,"uptime_seconds:i load1:2 memory_used_ratio:4 memory_total_bytes:i disk_used_ratio:4 disk_fr'
    b'ee_bytes:i temperature_celsius:1 clock:s? failure:s?",{}],["snmp",{"target":"","interface":""},5,"up'
    b"time_seconds:i rx_bytes_total:i tx_bytes_total:i rx_bytes:i tx_bytes:i interval_seconds:3 up:b count"
    b'er_reset:b clients:i failure:s?",{}],["agent",{},5,"rss_bytes:i cpu_seconds_total:2 outbox_rows:i ou'
    b'tbox_bytes:i dead_letter_rows:i",{}],["boot",{},5,"kind:s? previous_boot_id:s? clean:b silent_second'
    b's:0 version:s? outbox:s?",{}],["tombstone",{},5,"first_seq:i last_seq:i count:i reason:s? epoch:s?",'
    b'{}],["not_recorded",{},5,"from_mono_ms:i to_mono_ms:i boot_id:s? count:i reason:s?",{}],"icmp","tcp"'
    b',"role":"anchor","target":"gateway","interface":"eth0","failure":["no_reply"]{"i":"/agent","e":"","s'
    b'":,"n":,"b":"","o":1,"m":,"w":17,"c":"ntp","a":[,17,,"server"],"k":[["ping",{'
)

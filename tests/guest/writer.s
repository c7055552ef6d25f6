# writer: a guest of one sector that counts as counter does, and before it prints a number writes it
# to the first hard disk: to sector (number mod 1024), twice, the second time with every bit turned.
# A write that fails is told by a line "failed", and ends it.
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    cld
next:
    movl number, %eax
    incl %eax
    movl %eax, number
    movl %eax, sector
    notl %eax
    movl %eax, sector + 4
    notl %eax
    andl $1023, %eax
    movl %eax, lba
    movw $packet, %si
    movw $0x4300, %ax
    movb $0x80, %dl
    int $0x13
    jc failed
    # page 64 KiB + 4 KiB * (number mod 128)
    movl number, %esi
    movw %si, %ax
    andw $0x7f, %ax
    shlw $8, %ax
    addw $0x1000, %ax
    movw %ax, %es
    movl %esi, %es:0
    xorw %ax, %ax
    movw %ax, %es
    movw $8, %cx
digit:
    roll $4, %esi
    movl %esi, %eax
    andb $0x0f, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe print
    addb $'a' - '0' - 10, %al
print:
    call put
    loop digit
    movb $'\n', %al
    call put
    jmp next
failed:
    movw $sorry, %si
more:
    lodsb
    testb %al, %al
    jz stop
    call put
    jmp more
stop:
    hlt
    jmp stop
put:
    movb %al, %ah
    movw $0x3fd, %dx
wait:
    inb %dx, %al
    testb $0x20, %al
    jz wait
    movb %ah, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret
sorry:
    .asciz "failed\n"
    .balign 4
number:
    .long 0
packet:
    .byte 16, 0
    .word 1
    .word sector, 0
lba:
    .long 0, 0
    .org 510
    .word 0xaa55
sector = 0x8000

# counter: a guest of one sector. It counts, writes the number to one of 128 pages in turns, and
# prints it on the first serial port, eight hexadecimal digits a line. Numbers follow each other for
# as long as it lives.
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7c00, %sp
    xorl %ebx, %ebx
next:
    incl %ebx
    # page 64 KiB + 4 KiB * (number mod 128)
    movw %bx, %ax
    andw $0x7f, %ax
    shlw $8, %ax
    addw $0x1000, %ax
    movw %ax, %es
    movl %ebx, %es:0
    movl %ebx, %esi
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
    .org 510
    .word 0xaa55

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot sector for Bochs: reads a flat 64-bit Linux kernel, its boot parameters and its initramfs
 * from the same ATA disk and enters the kernel, so that neither a boot loader nor a decompressor
 * runs in the slow emulator. bochs-pack.c lays out the disk and fills in the table at the end.
 *
 *	gcc -c -m32 bochs-boot.S
 *	ld -m elf_i386 -Ttext=0x7c00 --oformat binary -o boot bochs-boot.o
 *
 * Entry to the kernel follows Documentation/arch/x86/boot.rst, "64-bit Boot Protocol".
 */
	.set PARAMS, 0x200000		/* boot_params; its page tables are at + 0x2000 */
	.set STACK, 0x7000
	.set ATA_DATA, 0x1f0
	.set ATA_COUNT, 0x1f2
	.set ATA_STATUS, 0x1f7
	.set ATA_CONTROL, 0x3f6
	.set ATA_BUSY, 0x80
	.set ATA_DATA_READY, 0x08
	.set ATA_NO_INTERRUPTS, 0x02
	.set ATA_LBA, 0xe0
	.set ATA_READ_SECTORS, 0x20
	.set SECTORS_AT_ONCE, 128

	.code16
	.globl _start
_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	inb	$0x92, %al		/* the A20 line, by the fast gate */
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	lgdtl	gdt_pointer
	movl	$0x11, %eax		/* CR0.ET, CR0.PE */
	movl	%eax, %cr0
	ljmpl	$0x08, $protected_mode

	.code32
protected_mode:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$STACK, %esp
	movw	$ATA_CONTROL, %dx
	movb	$ATA_NO_INTERRUPTS, %al
	outb	%al, %dx
	movl	$table, %ebp

next_piece:
	movl	4(%ebp), %ebx		/* sectors left of this piece */
	testl	%ebx, %ebx
	jz	enter_kernel
	movl	8(%ebp), %edi		/* where to */
	movl	(%ebp), %esi		/* sector on the disk */
	addl	$12, %ebp

next_command:
	movl	$SECTORS_AT_ONCE, %eax
	cmpl	%eax, %ebx
	jae	1f
	movl	%ebx, %eax
1:	subl	%eax, %ebx
	pushl	%eax
	call	read_start
	popl	%eax
	addl	%eax, %esi
	movl	%eax, %esp		/* no stack from here: esp counts the sectors */
next_sector:
	movw	$ATA_STATUS, %dx
2:	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	2b
	testb	$ATA_DATA_READY, %al
	jz	2b
	movl	$256, %ecx
	movw	$ATA_DATA, %dx
	rep insw
	decl	%esp
	jnz	next_sector
	movl	$STACK, %esp
	testl	%ebx, %ebx
	jnz	next_command
	jmp	next_piece

/* Start reading 4(%esp) sectors from sector %esi. */
read_start:
	movw	$ATA_STATUS, %dx
3:	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	3b
	movl	4(%esp), %eax
	movw	$ATA_COUNT, %dx
	outb	%al, %dx
	movl	%esi, %eax
	incl	%edx
	outb	%al, %dx		/* sector bits 0-7 */
	shrl	$8, %eax
	incl	%edx
	outb	%al, %dx		/* 8-15 */
	shrl	$8, %eax
	incl	%edx
	outb	%al, %dx		/* 16-23 */
	shrl	$8, %eax
	andb	$0x0f, %al
	orb	$ATA_LBA, %al
	incl	%edx
	outb	%al, %dx		/* 24-27, drive 0 */
	incl	%edx
	movb	$ATA_READ_SECTORS, %al
	outb	%al, %dx
	ret

enter_kernel:
	movl	entry, %ebx
	movl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$(PARAMS + 0x2000), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	$0x80000011, %eax	/* CR0.PG, CR0.ET, CR0.PE */
	movl	%eax, %cr0
	ljmpl	$0x10, $long_mode

	.code64
long_mode:
	movl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	movl	$PARAMS, %esi
	jmp	*%rbx

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9a000000ffff	/* 0x10: 64-bit code (__BOOT_CS) */
	.quad	0x00cf92000000ffff	/* 0x18: data (__BOOT_DS) */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	0x1c0
table:					/* { sector, sectors, address }, until sectors is 0 */
	.org	0x1f8
entry:	.long	0
	.org	510
	.byte	0x55, 0xaa

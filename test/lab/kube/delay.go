// lab-delay: holds the packets of one netfilter queue for a while. The kernel here has no netem.
package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	nfqueue "github.com/florianl/go-nfqueue/v2"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func newDelayCommand() *cobra.Command {
	var queue uint16
	var wait, jitter time.Duration
	command := &cobra.Command{
		Use:          "lab-delay",
		Short:        "Delays the packets of a netfilter queue of its network namespace.",
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return delayQueue(ctx, queue, wait, jitter)
		},
	}
	command.Flags().Uint16Var(&queue, "queue", 0, "number of the queue")
	command.Flags().DurationVar(&wait, "delay", 0, "how long a packet is held")
	command.Flags().DurationVar(&jitter, "jitter", 0, "by how much that varies, up and down")
	return command
}

// delayQueue runs until ctx ends. Only the packets' numbers come here; their bytes stay in the kernel.
func delayQueue(ctx context.Context, number uint16, wait, jitter time.Duration) error {
	queue, err := nfqueue.Open(&nfqueue.Config{NfQueue: number, MaxQueueLen: 100_000, MaxPacketLen: 0, Copymode: nfqueue.NfQnlCopyMeta})
	if err != nil {
		return err
	}
	defer queue.Close()
	hold := func(packet nfqueue.Attribute) int {
		id, held := *packet.PacketID, wait
		if jitter > 0 {
			held += rand.N(2*jitter+1) - jitter
		}
		time.AfterFunc(max(held, 0), func() {
			if err := queue.SetVerdict(id, nfqueue.NfAccept); err != nil && ctx.Err() == nil {
				klog.ErrorS(err, "a packet was not let go", "id", id)
			}
		})
		return 0
	}
	broken := func(err error) int {
		if ctx.Err() == nil {
			klog.ErrorS(err, "reading the queue")
		}
		return 0
	}
	if err := queue.RegisterWithErrorFunc(ctx, hold, broken); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
